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

	"github.com/tlo-run/tlo"
)

// Main runs tlo with the process's arguments and streams and returns its exit
// code.
func Main() int {
	ignoreFileSize()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends what does not listen to the first
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
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil && !errors.As(err, &quiet) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(stderr, "tlo: %s\n", clean(strings.TrimRight(line, "\n")))
		}
	}
	return code
}

// newHelp is cobra's own help, except that it knows what it does not know.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Help about a verb",
		RunE: func(_ *cobra.Command, args []string) error {
			verb, rest, err := root.Find(args)
			if err == nil && verb != root && len(rest) > 0 {
				return usageError(fmt.Errorf("tlo help takes one verb, and there is %q too; see tlo --help", rest[0]))
			}
			if err != nil || len(rest) > 0 {
				return usageError(unknownVerb(root, args[0]))
			}
			return verb.Help()
		},
	}
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
	root.SetFlagErrorFunc(flagError)
	addSettingFlags(root.PersistentFlags())
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(
		newRun(), newListTasks(), newSchedule(), newJobs(), newShow(), newLogs(),
		newCancel(), newRetry(), newExec(), newInspect(), newCheck(), newVersion(),
	)
	root.Version = tlo.Version() // for --version, as people try it
	root.SetVersionTemplate("tlo {{.Version}}\n")
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args, completion.RunE = cobra.ArbitraryArgs, shells
	}
	return root
}

// shells refuses what is no shell; one that is known is a verb of its own.
func shells(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Errorf("there is no completion for %q; use bash, zsh, fish or powershell", args[0]))
	}
	return cmd.Help()
}
