package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

// submitFlags are the flags of tlo schedule.
type submitFlags struct {
	output           outputFlag
	input, inputFile string
	id, key, queue   string
	priority         int
	delay            time.Duration
	at               string
	wait             bool
	timeout          time.Duration
}

func newSchedule() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "schedule [TASK]",
		Short: "Submit a job of a task; without a task, the jobs of all schedules that are due now",
		Long: `Submit a job of a task. With --wait, print the job's output alone on standard
output, its logs and progress on standard error, and exit as it ended. Where no
engine runs, --wait runs the job in this process.

Without a task, submit the jobs of all schedules that are due now: for machines
on which no engine runs all the time.

` + exitTable,
		Example: `  tlo schedule report --input '{"day":"monday"}'
  tlo schedule thumbnail --input-file job.json --wait > thumbnails.zip
  cat data.csv | tlo schedule csv-to-json --input-file - --wait
  tlo schedule report --delay 1h --key report-monday --priority 9
  tlo schedule`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeTasks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.output.check(); err != nil {
				return err
			}
			if len(args) == 0 {
				return f.fire(cmd)
			}
			sub, err := f.submission(cmd, args[0])
			if err != nil {
				return err
			}
			return withSession(cmd, func(ctx context.Context, s *session) error {
				jobs, err := s.Submit(ctx, sub)
				if err != nil {
					return err
				}
				if f.wait {
					return f.await(cmd, s, jobs[0].ID)
				}
				if f.output.json() {
					return printJSON(cmd.OutOrStdout(), jobs[0])
				}
				fmt.Fprintln(cmd.OutOrStdout(), jobs[0].ID)
				if s.local() {
					fmt.Fprintln(cmd.ErrOrStderr(), "no engine runs: the job waits for tlo run")
				}
				return nil
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.input, "input", "", "the input, as text")
	fl.StringVar(&f.inputFile, "input-file", "", "the file with the input; - is standard input")
	fl.StringVar(&f.id, "id", "", "the job's id (default a new UUIDv7)")
	fl.StringVar(&f.key, "key", "", "a unique key: refuse the job if one with this key exists")
	fl.StringVar(&f.queue, "queue", "", "the queue (default the task's)")
	fl.IntVar(&f.priority, "priority", engine.DefaultPriority, "0 to 9, higher runs first (default the task's)")
	fl.DurationVar(&f.delay, "delay", 0, "run no sooner than after this time, such as 90s or 1h30m")
	fl.StringVar(&f.at, "at", "", "run no sooner than at this time, such as 2026-01-31T06:00:00Z")
	fl.BoolVar(&f.wait, "wait", false, "wait for the job to end; print its output")
	fl.DurationVar(&f.timeout, "wait-timeout", 0, "give up waiting after this time, with exit code 5 (default never)")
	cmd.MarkFlagsMutuallyExclusive("input", "input-file")
	cmd.MarkFlagsMutuallyExclusive("delay", "at")
	f.output.add(cmd)
	return cmd
}

// fire submits what is due now.
func (f *submitFlags) fire(cmd *cobra.Command) error {
	for _, name := range []string{"input", "input-file", "id", "key", "queue", "priority", "delay", "at", "wait"} {
		if cmd.Flags().Changed(name) {
			return usageError(fmt.Errorf("--%s needs a task: tlo schedule TASK --%s …", name, name))
		}
	}
	return withSession(cmd, func(ctx context.Context, s *session) error {
		jobs, err := s.Fire(ctx)
		if err != nil {
			return err
		}
		if f.output.json() {
			return printJSON(cmd.OutOrStdout(), jobs)
		}
		if len(jobs) == 0 {
			return f.nothingDue(cmd, s)
		}
		printJobs(cmd.OutOrStdout(), jobs)
		return nil
	})
}

// nothingDue says when something will be.
func (f *submitFlags) nothingDue(cmd *cobra.Command, s *session) error {
	list, err := s.Schedules(cmd.Context())
	if err != nil {
		return err
	}
	var first engine.ScheduleStatus
	for _, st := range list {
		if !st.Next.IsZero() && (first.Next.IsZero() || st.Next.Before(first.Next)) {
			first = st
		}
	}
	if first.Next.IsZero() {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is due: no task has a schedule")
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "nothing is due; next is %s at %s\n", first.Name, first.Next.Local().Format("2006-01-02 15:04:05 MST"))
	return nil
}

func (f *submitFlags) submission(cmd *cobra.Command, task string) (server.Submission, error) {
	sub := server.Submission{Task: task, ID: f.id, Key: f.key, Queue: f.queue}
	if cmd.Flags().Changed("priority") {
		sub.Priority = &f.priority
	}
	switch {
	case f.delay < 0:
		return sub, usageError(fmt.Errorf("--delay is %v: use a time from 0", f.delay))
	case f.delay > 0:
		sub.RunAt = time.Now().Add(f.delay)
	case f.at != "":
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return sub, usageError(fmt.Errorf("--at is %q: use a time such as 2026-01-31T06:00:00Z", f.at))
		}
		sub.RunAt = at
	}
	input, err := readInput(cmd.InOrStdin(), f.input, f.inputFile)
	sub.InputBase64 = input // the exact bytes, whatever they are
	return sub, err
}

func readInput(stdin io.Reader, text, file string) ([]byte, error) {
	switch file {
	case "":
		return []byte(text), nil
	case "-":
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("--input-file -: reading standard input: %w", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--input-file: %w", err)
	}
	return data, nil
}

// await follows a job to its end and exits as it did.
func (f *submitFlags) await(cmd *cobra.Command, s *session, id string) error {
	ctx := cmd.Context()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	watch := newWatcher(cmd.ErrOrStderr())
	defer watch.close()
	err := s.work(ctx, func(ctx context.Context) error {
		return s.Follow(ctx, id, 0, watch.change)
	})
	watch.close()
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("job %s has not ended after %v: %w; it goes on, see tlo show %s", id, f.timeout, err, id)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("stopped waiting; job %s goes on, see tlo show %s", id, id)
	case err != nil:
		return err
	}
	if f.output.json() {
		job, err := s.Job(cmd.Context(), id)
		if err != nil {
			return err
		}
		if err := printJSON(cmd.OutOrStdout(), job); err != nil {
			return err
		}
		return jobExit(job.State)
	}
	if err := s.Output(cmd.Context(), id, cmd.OutOrStdout()); err != nil {
		return err
	}
	return jobExit(watch.last.State)
}
