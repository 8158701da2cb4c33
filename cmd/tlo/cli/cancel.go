package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
)

func newCancel() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "cancel JOB...",
		Short: "Cancel jobs: waiting ones at once, running ones after their grace period at the latest",
		Example: `  tlo cancel 0192f6c4-8d1e-7cc3-a5b0-6f2b1f0c9a11
  tlo jobs --state ready --output json | jq -r '.jobs[].id' | xargs tlo cancel`,
		Args:              takes(1, -1, "the id of a job"),
		ValidArgsFunction: completeJobs(engine.Scheduled, engine.Ready, engine.Running),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachJob(cmd, args, &out, (*session).cancel)
		},
	}
	out.add(cmd)
	return cmd
}

func (s *session) cancel(ctx context.Context, id string) (string, any, error) {
	job, err := s.Cancel(ctx, id)
	if job.State == engine.Running {
		return fmt.Sprintf("job %s is running and was asked to stop", id), job, err
	}
	return fmt.Sprintf("job %s is cancelled", id), job, err
}
