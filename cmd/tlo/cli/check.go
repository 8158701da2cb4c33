package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo"
	"github.com/tlo-run/tlo/server"
)

func newCheck() *cobra.Command {
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and the plugins without running anything",
		Example: `  tlo check
  tlo check --config /etc/tlo/tlo.hcl --output json`,
		Args: takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			cfg, err := configuration(cmd)
			if err != nil {
				return err
			}
			catalog := tlo.ReadCatalog(cfg)
			catalog.Problems = append(catalog.Problems, catalog.MissingFolders()...)
			w := cmd.OutOrStdout()
			if out.json() {
				names := []string{}
				for _, t := range catalog.Tasks {
					names = append(names, t.Name)
				}
				if err := printJSON(w, struct {
					Tasks    []string         `json:"tasks"`
					Problems []server.Problem `json:"problems,omitempty"`
				}{names, catalog.Problems}); err != nil {
					return err
				}
			}
			for _, p := range catalog.Problems {
				fmt.Fprintf(cmd.ErrOrStderr(), "tlo: %s: %s\n", clean(p.Plugin), clean(p.Error))
			}
			if len(catalog.Problems) > 0 {
				return &quietError{exitError}
			}
			if len(catalog.Tasks) == 0 {
				return fmt.Errorf("the configuration is good, and there are no tasks: put .wasm files into %s", strings.Join(cfg.Plugins, " or "))
			}
			if !out.json() {
				fmt.Fprintf(w, "ok: %s of %s\n", count(len(catalog.Tasks), "task"), count(len(catalog.Plugins), "plugin"))
			}
			return nil
		},
	}
	out.add(cmd)
	return cmd
}
