package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
)

func newRetry() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:               "retry JOB...",
		Short:             "Run failed or cancelled jobs again, with a fresh retry budget",
		Example:           "  tlo retry 0192f6c4-8d1e-7cc3-a5b0-6f2b1f0c9a11",
		Args:              takes(1, -1, "the id of a job"),
		ValidArgsFunction: completeJobs(engine.Failed, engine.Cancelled),
		RunE: func(cmd *cobra.Command, args []string) error {
			return eachJob(cmd, args, &out, (*session).retry)
		},
	}
	out.add(cmd)
	return cmd
}

func (s *session) retry(ctx context.Context, id string) (string, any, error) {
	if err := s.keeps(); err != nil {
		return "", nil, err
	}
	job, err := s.Retry(ctx, id)
	return fmt.Sprintf("job %s is ready again", id), job, err
}

// eachJob does one thing to several jobs; one that fails does not stop the
// others.
func eachJob(cmd *cobra.Command, ids []string, out *outputFlag, do func(*session, context.Context, string) (string, any, error)) error {
	if err := out.check(); err != nil {
		return err
	}
	return withSession(cmd, looks, func(ctx context.Context, s *session) error {
		var errs []error
		done := []any{}
		for _, id := range ids {
			text, job, err := do(s, ctx, id)
			if errors.Is(err, errLost) {
				return err // it is the same for all
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			done = append(done, job)
			if !out.json() {
				fmt.Fprintln(cmd.OutOrStdout(), text)
			}
		}
		if out.json() {
			errs = append(errs, printJSON(cmd.OutOrStdout(), done))
		}
		return errors.Join(errs...)
	})
}
