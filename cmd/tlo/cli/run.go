package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo"
	"github.com/tlo-run/tlo/engine"
)

func newRun() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the tasks: schedules, jobs, retries, until stopped",
		Long: `Run the tasks of the plugins folders on their schedules, and the jobs that are
submitted, until stopped.

  Ctrl-C, SIGTERM    stop as the configuration's stop says: drain (default) waits
                     for running attempts, up to stop_timeout
  a second one       ask running attempts to stop; their jobs run again later
  a third one        end at once; what ran counts as lost
  SIGHUP             read the configuration and the plugins again`,
		Example: "  tlo run\n  tlo run --config /etc/tlo/tlo.hcl --data-dir /var/lib/tlo",
		Args:    takes(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configuration(cmd)
			if err != nil {
				return err
			}
			cfg.Logger = newLogger(cfg, cmd)
			// From here on signals are the engine's; the first one also ends
			// the command's context, and so a start that is under way.
			signals := make(chan os.Signal, 4)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer signal.Stop(signals)
			runner, err := tlo.Start(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			err = runWithSignals(cmd, runner, cfg.Logger, signals)
			if closeErr := runner.Close(); err == nil {
				err = closeErr
			}
			return err
		},
	}
}

// runWithSignals runs until the engine has stopped, and tells it of signals.
func runWithSignals(cmd *cobra.Command, runner *tlo.Runner, log hclog.Logger, signals <-chan os.Signal) error {
	// A signal stops the engine here and not through the command's context,
	// which would not tell the second from the first.
	ctx, stop := context.WithCancel(context.WithoutCancel(cmd.Context()))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }() // waited for below
	stops := 0
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			if s == syscall.SIGHUP {
				reload(ctx, cmd, runner, log)
				continue
			}
			stops++
			switch stops {
			case 1:
				log.Info("stopping; once more asks running attempts to stop", "signal", s.String())
				stop()
			case 2:
				log.Warn("asking running attempts to stop; once more ends them at once", "signal", s.String())
				runner.Engine().Stop(engine.StopCancel)
			default:
				log.Warn("ending at once; what runs counts as lost", "signal", s.String())
				runner.Engine().Stop(engine.StopIgnore)
			}
		}
	}
}

func reload(ctx context.Context, cmd *cobra.Command, runner *tlo.Runner, log hclog.Logger) {
	cfg, err := configuration(cmd)
	if err == nil {
		var restart []string
		restart, err = runner.Reload(ctx, cfg)
		for _, name := range restart {
			log.Warn("this setting changes with the next start only", "setting", name)
		}
	}
	if err != nil {
		log.Error("not reloaded; everything stays as it was", "error", err)
		return
	}
	log.Info("reloaded", "tasks", len(runner.Engine().Tasks()))
}

func newLogger(cfg tlo.Config, cmd *cobra.Command) hclog.Logger {
	colour := hclog.ColorOff
	if coloured(cmd.ErrOrStderr()) {
		colour = hclog.ForceColor
	}
	return hclog.New(&hclog.LoggerOptions{
		Name: "tlo", Level: hclog.LevelFromString(cfg.Log.Level), JSONFormat: cfg.Log.Format == "json",
		Output: cmd.ErrOrStderr(), Color: colour,
	})
}

// configuration reads the settings of a command; their warnings go to standard
// error.
func configuration(cmd *cobra.Command) (tlo.Config, error) {
	s, err := loadSettings(cmd.Flags())
	for _, w := range s.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "tlo: warning: "+clean(w))
	}
	return s.Config, namedFile(err)
}
