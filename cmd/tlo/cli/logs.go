package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

func newLogs() *cobra.Command {
	var out outputFlag
	var follow bool
	var attempt int
	cmd := &cobra.Command{
		Use:   "logs JOB",
		Short: "Print what a job logged",
		Example: `  tlo logs 0192f6c4-8d1e-7cc3-a5b0-6f2b1f0c9a11
  tlo logs -f JOB                 until the job has ended
  tlo logs JOB --output json      one JSON object per line`,
		Args:              takes(1, 1, "the id of one job"),
		ValidArgsFunction: completeJobs(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.check(); err != nil {
				return err
			}
			p := &logPrinter{w: cmd.OutOrStdout(), json: out.json(), attempt: attempt}
			return withSession(cmd, looks, func(ctx context.Context, s *session) error {
				if follow && !s.local() {
					return s.Follow(ctx, args[0], 0, func(c server.Change) error { return p.print(c.Lines) })
				}
				lines, err := s.Logs(ctx, args[0], 0)
				if err != nil {
					return err
				}
				if len(lines) == 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "job %s has logged nothing\n", clean(args[0]))
				}
				if err := p.print(lines); err != nil || !follow {
					return err
				}
				job, err := s.Job(ctx, args[0])
				if err == nil && !job.State.Terminal() {
					fmt.Fprintf(cmd.ErrOrStderr(), "no engine runs, so there is nothing to follow: job %s is %s; start tlo run\n", job.ID, job.State)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the job has ended")
	cmd.Flags().IntVar(&attempt, "attempt", 0, "only the attempt of this `number` (default all)")
	out.add(cmd)
	return cmd
}

// logPrinter prints log lines for people or programs.
type logPrinter struct {
	w       io.Writer
	json    bool
	attempt int
}

func (p *logPrinter) print(lines []engine.LogLine) error {
	for _, l := range lines {
		if p.attempt != 0 && l.Attempt != p.attempt {
			continue
		}
		text := logText(l)
		if p.json {
			data, err := json.Marshal(l)
			if err != nil {
				return err
			}
			text = string(escapeJSON(data))
		}
		if _, err := fmt.Fprintln(p.w, text); err != nil {
			return err
		}
	}
	return nil
}

// logText is one log line for a terminal.
func logText(l engine.LogLine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-5s %s", l.At.Local().Format("15:04:05.000"), l.Level, cleanLines(l.Message))
	for _, k := range slices.Sorted(maps.Keys(l.Fields)) {
		fmt.Fprintf(&b, " %s=%s", clean(k), clean(l.Fields[k]))
	}
	return b.String()
}
