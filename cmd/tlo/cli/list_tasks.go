package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newListTasks() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:     "list-tasks",
		Aliases: []string{"tasks"},
		Short:   "List the tasks, and the plugins that could not be loaded",
		Example: "  tlo list-tasks\n  tlo list-tasks --output json --plugins ./plugins",
		Args:    takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			return withSession(cmd, looks, func(ctx context.Context, s *session) error {
				list, err := s.Tasks(ctx)
				if err != nil {
					return err
				}
				w := cmd.OutOrStdout()
				if out.json() {
					return printJSON(w, list)
				}
				if len(list.Tasks) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), "no tasks: put .wasm files into the plugins folder; see tlo check")
				} else {
					t := newTable(w, "schedule", "task", "queue", "priority", "timeout", "memory", "attempts", "executed", "failed", "next", "schedule")
					for _, task := range list.Tasks {
						executed, failed := "", ""
						if task.Stats != nil {
							executed, failed = fmt.Sprint(task.Stats.Executed), fmt.Sprint(task.Stats.Failed)
						}
						t.AppendRow([]any{task.Name, task.Queue, task.Priority, task.Timeout, bytesText(task.Memory),
							task.Attempts, executed, failed, ago(task.Next, time.Now()), strings.Join(task.Schedules, "; ")})
					}
					t.Render()
				}
				for _, p := range list.Problems {
					fmt.Fprintf(cmd.ErrOrStderr(), "not loaded: %s: %s\n", clean(p.Plugin), clean(p.Error))
				}
				return nil
			})
		},
	}
	out.add(cmd)
	return cmd
}
