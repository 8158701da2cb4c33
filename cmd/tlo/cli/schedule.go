package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

// submitFlags are the flags of tlo schedule.
type submitFlags struct {
	output         outputFlag
	input          inputFlags
	id, key, queue string
	priority       int
	delay          durationFlag
	at             string
	wait           bool
	timeout        durationFlag
}

func newSchedule() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "schedule [TASK]",
		Short: "Submit a job of a task; without a task, the jobs of all schedules that are due now",
		Long: `Submit a job of a task, and print its id. With --wait, print its output alone on
standard output, its logs and progress on standard error, and exit as it ended;
Ctrl-C ends the waiting, not the job. Where no engine runs, --wait runs the job in
this process, and those that come before it in the queues.

Without a task, submit the jobs of all schedules that are due now: for machines
on which no engine runs all the time.

` + exitTable,
		Example: `  tlo schedule report --input '{"day":"monday"}'
  tlo schedule thumbnail --input-file job.json --wait > thumbnails.zip
  cat data.csv | tlo schedule csv-to-json --input-file - --wait
  tlo schedule report --delay 1h --key report-monday --priority 9
  tlo schedule`,
		Args:              takes(0, 1, "one task"),
		ValidArgsFunction: completeTasks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			if len(args) == 0 {
				return f.fire(cmd)
			}
			sub, err := f.submission(cmd, args[0])
			if err != nil {
				return err
			}
			return withSession(cmd, submits, func(ctx context.Context, s *session) error {
				if !f.wait {
					if err := s.keeps(); err != nil {
						return err
					}
				}
				jobs, err := s.Submit(ctx, sub)
				if err != nil {
					return err
				}
				if f.wait {
					return f.await(cmd, s, jobs[0].ID)
				}
				s.sayWaiting(cmd, "the job waits")
				if f.output.json() {
					return printJSON(cmd.OutOrStdout(), jobs[0])
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), jobs[0].ID)
				return err
			})
		},
	}
	fl := cmd.Flags()
	f.input.add(cmd)
	fl.StringVar(&f.id, "id", "", "the job's `id` (default a new UUIDv7)")
	fl.StringVar(&f.key, "key", "", "a unique `key`: refuse the job if one with this key exists")
	fl.StringVar(&f.queue, "queue", "", "the `queue` (default the task's)")
	fl.IntVar(&f.priority, "priority", 0, "`number` from 0 to 9, higher runs first (default the task's)")
	fl.Var(&f.delay, "delay", "run no sooner than after this time, such as 90s, 1h30m or 2d")
	fl.StringVar(&f.at, "at", "", "run no sooner than at this `time`, such as 2026-01-31T06:00:00Z")
	fl.BoolVar(&f.wait, "wait", false, "wait for the job to end; print its output")
	fl.Var(&f.timeout, "wait-timeout", "give up waiting after this time, with exit code 5 (default never)")
	f.output.add(cmd)
	return cmd
}

// check refuses flags that do not go together.
func (f *submitFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("wait-timeout") && !f.wait {
		return usageError(errors.New("--wait-timeout goes with --wait"))
	}
	if f.timeout < 0 {
		return usageError(fmt.Errorf("--wait-timeout is %v: use a time above 0", time.Duration(f.timeout)))
	}
	return cmp.Or(f.output.check(), exclusive(cmd, "delay", "at"))
}

// fire submits what is due now.
func (f *submitFlags) fire(cmd *cobra.Command) error {
	for _, name := range []string{"input", "input-file", "id", "key", "queue", "priority", "delay", "at", "wait"} {
		if cmd.Flags().Changed(name) {
			return usageError(fmt.Errorf("--%s needs a task: tlo schedule TASK --%s …", name, name))
		}
	}
	return withSession(cmd, submits, func(ctx context.Context, s *session) error {
		if err := s.keeps(); err != nil {
			return err
		}
		jobs, err := s.Fire(ctx)
		if err != nil {
			return err
		}
		if len(jobs) == 0 {
			err = f.nothingDue(cmd, s)
		} else {
			s.sayWaiting(cmd, "they wait")
		}
		if err == nil && f.output.json() {
			return printJSON(cmd.OutOrStdout(), jobs)
		}
		if len(jobs) > 0 {
			printJobs(cmd.OutOrStdout(), jobs)
		}
		return err
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
		return sub, usageError(fmt.Errorf("--delay is %v: use a time from 0", time.Duration(f.delay)))
	case f.delay > 0:
		sub.RunAt = time.Now().Add(time.Duration(f.delay))
	case f.at != "":
		at, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return sub, usageError(fmt.Errorf("--at is %q: use a time such as 2026-01-31T06:00:00Z", f.at))
		}
		sub.RunAt = at
	}
	input, err := f.input.read(cmd)
	sub.InputBase64 = input // the exact bytes, whatever they are
	return sub, err
}

// await follows a job to its end and exits as it did.
func (f *submitFlags) await(cmd *cobra.Command, s *session, id string) error {
	ctx := cmd.Context()
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(f.timeout))
		defer cancel()
	}
	watch := newWatcher(cmd.ErrOrStderr())
	defer watch.close()
	err := s.work(ctx, func(ctx context.Context) error {
		return s.Follow(ctx, id, 0, watch.change)
	})
	watch.close()
	if err != nil && ctx.Err() != nil {
		return f.gaveUp(cmd, s, id, ctx.Err())
	}
	if err != nil {
		return err
	}
	job := watch.last.Job
	if f.output.json() {
		err = printJSON(cmd.OutOrStdout(), job)
	} else {
		err = printOutput(cmd.OutOrStdout(), watch.last.Output)
	}
	return cmp.Or(err, jobExit(job.State))
}

// gaveUp says why nobody waits for the job any longer, and where it is now.
func (f *submitFlags) gaveUp(cmd *cobra.Command, s *session, id string, why error) error {
	now := "goes on"
	job, err := s.Job(context.WithoutCancel(cmd.Context()), id)
	switch {
	case err == nil && job.State.Terminal():
		now = "is " + string(job.State)
	case s.local():
		now = "waits for tlo run"
	}
	if errors.Is(why, context.DeadlineExceeded) {
		return &codeError{fmt.Errorf("job %s has not ended after %v; it %s, see tlo show %s", id, time.Duration(f.timeout), now, id), exitTimeout}
	}
	return fmt.Errorf("stopped waiting; job %s %s, see tlo show %s", id, now, id)
}
