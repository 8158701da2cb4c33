package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo"
)

func newVersion() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  tlo version --output json",
		Args:    takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			v := tlo.Version()
			if out.json() {
				return printJSON(cmd.OutOrStdout(), map[string]string{
					"version": v, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "tlo %s, %s %s/%s\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	out.add(cmd)
	return cmd
}
