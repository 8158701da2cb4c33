package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/internal/typo"
	"github.com/tlo-run/tlo/server"
)

func newJobs() *cobra.Command {
	var out outputFlag
	var f engine.Filter
	var states []string
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List jobs, newest first",
		Example: `  tlo jobs
  tlo jobs --state failed --state cancelled --task report
  tlo jobs --limit 1000 --output json`,
		Args: takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if f.Limit < 1 || f.Limit > server.MaxPage {
				return usageError(fmt.Errorf("--limit is %d: use 1 to %d", f.Limit, server.MaxPage))
			}
			var err error
			if f.States, err = parseStates(states); err != nil {
				return err
			}
			return withSession(cmd, looks, func(ctx context.Context, s *session) error {
				page, err := s.Jobs(ctx, f)
				if err != nil {
					return err
				}
				if out.json() {
					return printJSON(cmd.OutOrStdout(), page)
				}
				if len(page.Jobs) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), nothingListed(f))
					return nil
				}
				printJobs(cmd.OutOrStdout(), page.Jobs)
				if page.Next != "" {
					fmt.Fprintf(cmd.ErrOrStderr(), "more: %s\n", nextPage(cmd, page.Next))
				}
				return nil
			})
		},
	}
	fl := cmd.Flags()
	fl.StringSliceVar(&states, "state", nil, "only jobs in this `state` (may repeat): "+stateNames())
	fl.StringVar(&f.Task, "task", "", "only jobs of this `task`")
	fl.StringVar(&f.Queue, "queue", "", "only jobs of this `queue`")
	fl.StringVar(&f.Schedule, "schedule", "", "only jobs made by this `schedule`")
	fl.StringVar(&f.Key, "key", "", "only the job with this unique `key`")
	fl.IntVar(&f.Limit, "limit", engine.DefaultPage, "`number` of jobs per page")
	fl.StringVar(&f.Cursor, "cursor", "", "go on where the page before ended, at its `cursor`")
	_ = cmd.RegisterFlagCompletionFunc("task", completeTasks)
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(strings.Split(stateNames(), " "), cobra.ShellCompDirectiveNoFileComp))
	out.add(cmd)
	return cmd
}

// nextPage is the command that lists on, with the flags of this one.
func nextPage(cmd *cobra.Command, cursor string) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if many, ok := f.Value.(pflag.SliceValue); ok {
			values = many.GetSlice()
		}
		for _, v := range values {
			if f.Name != "cursor" {
				words = append(words, "--"+f.Name+" "+quoted(v))
			}
		}
	})
	return clean(strings.Join(append(words, "--cursor "+quoted(cursor)), " "))
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("_./:@%+=,-", r) || unicode.IsLetter(r) || unicode.IsDigit(r)
	}
	if word != "" && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// nothingListed says whether there are no jobs, or only none that were asked for.
func nothingListed(f engine.Filter) string {
	all := f.Task + f.Queue + f.Schedule + f.Key + f.Cursor
	if all == "" && len(f.States) == 0 {
		return "no jobs"
	}
	return "no such jobs"
}

func stateNames() string {
	names := make([]string, len(engine.States))
	for i, s := range engine.States {
		names[i] = string(s)
	}
	return strings.Join(names, " ")
}

func parseStates(names []string) ([]engine.State, error) {
	var states []engine.State
	for _, n := range names {
		s := engine.State(n)
		if !slices.Contains(engine.States, s) {
			hint := "use one of " + stateNames()
			if near := typo.Closest(n, strings.Fields(stateNames())); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, usageError(fmt.Errorf("--state is %q: %s", n, hint))
		}
		states = append(states, s)
	}
	return states, nil
}

func printJobs(w io.Writer, jobs []server.Job) {
	now := time.Now()
	t := newTable(w, "message", "job", "task", "queue", "state", "attempt", "when", "took", "message")
	for _, j := range jobs {
		t.AppendRow([]any{j.ID, j.Task, j.Queue, stateText(w, j.State), j.Attempt, when(j.Job, now), took(j.Job, now), message(j.Job)})
	}
	t.Render()
}

// when is the time that matters most about a job in its state.
func when(j engine.Job, now time.Time) string {
	switch {
	case j.State.Terminal():
		return ago(j.FinishedAt, now)
	case j.State == engine.Running:
		return ago(j.StartedAt, now)
	default:
		return ago(j.RunAt, now)
	}
}

func took(j engine.Job, now time.Time) string {
	switch {
	case j.StartedAt.IsZero():
		return ""
	case j.State == engine.Running:
		return span(now.Sub(j.StartedAt))
	case j.State.Terminal():
		return span(max(j.FinishedAt.Sub(j.StartedAt), 0))
	}
	return ""
}

// message is why a job is where it is, in one line.
func message(j engine.Job) string {
	switch {
	case j.State == engine.Running:
		text := ""
		if j.Progress != (engine.Progress{}) {
			text = progressText(j.Progress)
		}
		if j.Cancelling {
			text = "cancelling " + text
		}
		return text
	case j.Cause != "":
		return clean(string(j.Cause) + ": " + firstLine(j.Error))
	default:
		return clean(firstLine(j.Error))
	}
}

func progressText(p engine.Progress) string {
	return strings.TrimSpace(fmt.Sprintf("%.0f%% %s", p.Fraction*100, clean(p.Message)))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

var stateColours = map[engine.State]string{
	engine.Running: "36", engine.Succeeded: "32", engine.Failed: "31", engine.Cancelled: "33",
}

func stateText(w io.Writer, s engine.State) string {
	if c := stateColours[s]; c != "" && coloured(w) {
		return "\x1b[" + c + "m" + string(s) + "\x1b[0m"
	}
	return string(s)
}
