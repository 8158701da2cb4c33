package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

func newShow() *cobra.Command {
	var out outputFlag
	var raw bool
	cmd := &cobra.Command{
		Use:   "show JOB",
		Short: "Show a job with its attempts, input and output",
		Example: `  tlo show 0192f6c4-8d1e-7cc3-a5b0-6f2b1f0c9a11
  tlo show JOB --raw > thumbnails.zip     the output's bytes alone`,
		Args:              takes(1, 1, "the id of one job"),
		ValidArgsFunction: completeJobs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			return withSession(cmd, looks, func(ctx context.Context, s *session) error {
				if raw {
					return s.Output(ctx, args[0], cmd.OutOrStdout())
				}
				job, err := s.Job(ctx, args[0])
				if err != nil {
					return err
				}
				if out.json() {
					return printJSON(cmd.OutOrStdout(), job)
				}
				printJob(cmd.OutOrStdout(), job)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the job's output alone, byte for byte")
	out.add(cmd)
	return cmd
}

func printJob(w io.Writer, j server.Job) {
	now := time.Now()
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-10s %s\n", name, value)
		}
	}
	field("job", j.ID)
	field("task", j.Task)
	field("state", stateText(w, j.State))
	field("queue", fmt.Sprintf("%s, priority %d", j.Queue, j.Priority))
	field("key", clean(j.Key))
	if j.Schedule != "" {
		field("schedule", fmt.Sprintf("%s, tick %s", j.Schedule, stamp(j.Tick, now)))
	}
	field("created", stamp(j.CreatedAt, now))
	if j.State.Waiting() {
		field("due", stamp(j.RunAt, now))
	}
	field("started", stamp(j.StartedAt, now))
	field("finished", stamp(j.FinishedAt, now))
	if j.State == engine.Running {
		field("worker", clean(j.Worker))
	}
	if j.State != engine.Succeeded && j.Progress != (engine.Progress{}) {
		field("progress", progressText(j.Progress))
	}
	field("cause", string(j.Cause))
	if j.Error != "" {
		field("error", cleanLines(j.Error))
	}
	if len(j.History) > 0 {
		fmt.Fprintln(w)
		t := newTable(w, "message", "attempt", "started", "took", "fuel", "verdict", "cause", "message")
		for _, a := range j.History {
			t.AppendRow([]any{a.Number, a.StartedAt.Local().Format(time.DateTime), span(a.Duration()), fuelText(a.Fuel), a.Verdict, a.Cause, clean(firstLine(a.Error))})
		}
		t.Render()
	}
	printPayload(w, "input", j.InputBytes(), j.InputSize)
	printPayload(w, "output", j.OutputBytes(), j.OutputSize)
}

// maxShown is how much of an input or output people get to see, in bytes.
const maxShown = 4096

// printPayload shows an input or output; JSON has lost its spacing, so its size
// comes beside it.
func printPayload(w io.Writer, name string, data []byte, size int) {
	if len(data) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s (%s)\n", name, bytesText(int64(size)))
	if server.PayloadOf(data).Base64 != nil {
		fmt.Fprintln(w, "  binary data; tlo show --raw prints the output's bytes")
		return
	}
	text, more := string(data), ""
	if len(text) > maxShown {
		text, more = strings.ToValidUTF8(text[:maxShown], ""), "\n…"
	}
	fmt.Fprintln(w, cleanLines(text)+more)
}

func stamp(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000 MST") + ", " + ago(t, now)
}
