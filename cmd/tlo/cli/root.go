// Package cli is the command line of tlo: one file per verb. A verb speaks to
// the API of the engine that runs on the data directory, or serves that API to
// itself where none runs.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo/internal/typo"
)

// Main runs tlo with the process's arguments and streams and returns its exit
// code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	var quiet *quietError
	if err != nil && !errors.As(err, &quiet) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(stderr, "tlo: %s\n", clean(strings.TrimRight(line, "\n")))
		}
	}
	return code
}

const exitTable = `Exit codes:
  0  ok
  1  error
  2  usage: wrong flags, arguments or input
  3  the job failed
  4  the job was cancelled
  5  waiting timed out
  6  not found: no such task, job or file`

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tlo",
		Short: "Run background tasks as sandboxed WebAssembly modules",
		Long: `tlo runs background tasks as sandboxed WebAssembly modules: drop report.wasm
into a folder, write a few lines of HCL, and it runs on time, retried, limited,
watched, and unable to touch what it was not granted.

` + exitTable,
		Example: `  tlo run                                           run the tasks of ./plugins as ./tlo.hcl says
  tlo schedule report --input '{"day":1}' --wait    run one now and print its output
  tlo jobs --state failed                           what went wrong
  tlo logs -f JOB                                   watch one`,
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError(unknownVerb(cmd, args[0]))
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(fmt.Errorf("%w; see %s --help", suggestFlag(cmd, err), cmd.CommandPath()))
	})
	addSettingFlags(root.PersistentFlags())
	root.AddCommand(
		newRun(), newListTasks(), newSchedule(), newJobs(), newShow(), newLogs(),
		newCancel(), newRetry(), newExec(), newInspect(), newCheck(), newVersion(),
	)
	for _, verb := range root.Commands() {
		asUsage(verb)
	}
	return root
}

// asUsage makes wrong arguments a usage error.
func asUsage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
			}
			return nil
		}
	}
}

func unknownVerb(cmd *cobra.Command, name string) error {
	hint := "see tlo --help"
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("unknown command %q; %s", name, hint)
}

// suggestFlag names the flag that a misspelt one likely meant.
func suggestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := typo.Closest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
