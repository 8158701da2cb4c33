package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
)

// completeTasks completes the name of a task.
func completeTasks(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	if len(args) == 0 {
		_ = withSession(cmd, looks, func(ctx context.Context, s *session) error { // a shell cannot show an error
			list, err := s.Tasks(ctx)
			for _, t := range list.Tasks {
				names = append(names, cobra.CompletionWithDesc(t.Name, t.Description))
			}
			return err
		})
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeJobs completes the id of a job in one of the states.
func completeJobs(states ...engine.State) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var ids []cobra.Completion
		if len(args) == 0 {
			_ = withSession(cmd, looks, func(ctx context.Context, s *session) error { // a shell cannot show an error
				page, err := s.Jobs(ctx, engine.Filter{States: states})
				for _, j := range page.Jobs {
					ids = append(ids, cobra.CompletionWithDesc(j.ID, j.Task+", "+string(j.State)))
				}
				return err
			})
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
