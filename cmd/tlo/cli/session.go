package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo"
	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server/client"
)

// session is a verb's way to the API: of the running engine, or its own.
type session struct {
	*client.Client
	runner  *tlo.Runner // nil if an engine runs elsewhere
	memory  bool        // the configured store is memory: what is made here ends with the verb
	scratch string      // a data directory to remove; mostly none
}

// purpose says whether a verb makes jobs. One that only looks leaves no data
// directory behind where there was none, as when it runs in the wrong folder.
type purpose bool

const (
	looks   purpose = false
	submits purpose = true
)

// openSession finds the engine of the data directory, or opens its store.
func openSession(cmd *cobra.Command, p purpose) (*session, error) {
	cfg, err := configuration(cmd)
	if err != nil {
		return nil, err
	}
	if err := cfg.CheckDataDir(); err != nil { // a socket in it could be anybody's
		return nil, err
	}
	remote, err := client.Dial(cmd.Context(), cfg.Socket())
	if err == nil {
		return &session{Client: remote}, nil
	}
	if !nobodyThere(err) {
		return nil, fmt.Errorf("the engine's socket %s: %w", cfg.Socket(), err)
	}
	memory := cfg.Store == tlo.StoreMemory
	var scratch string
	if _, err := os.Stat(cfg.DataDir); p == looks && errors.Is(err, fs.ErrNotExist) {
		if scratch, err = os.MkdirTemp("", "tlo-"); err != nil {
			return nil, err
		}
		cfg.DataDir, cfg.CacheDir, cfg.Store = scratch, "", tlo.StoreMemory
	}
	runner, err := tlo.Open(cfg)
	if errors.Is(err, engine.ErrLocked) {
		// An engine that is starting holds the store before it serves.
		if remote := dialSoon(cmd.Context(), cfg.Socket()); remote != nil {
			return &session{Client: remote}, nil
		}
	}
	if err != nil && scratch != "" {
		err = errors.Join(err, os.RemoveAll(scratch))
	}
	if err != nil {
		return nil, err
	}
	return &session{Client: client.Local(runner.Handler()), runner: runner, memory: memory, scratch: scratch}, nil
}

// startTime is how long an engine may take from its store to its socket.
const startTime = 3 * time.Second

// dialSoon waits a moment for an engine to serve; nil if none does.
func dialSoon(ctx context.Context, socket string) *client.Client {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if remote, err := client.Dial(ctx, socket); err == nil {
			return remote
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// nobodyThere reports whether a socket has no listener.
func nobodyThere(err error) bool {
	var op *net.OpError
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.As(err, &op) && errors.Is(op.Err, syscall.EINVAL) // a path too long to be a socket
}

// local reports whether no engine runs.
func (s *session) local() bool { return s.runner != nil }

var errLost = errors.New("the memory store ends with this command: start tlo run, or use --wait")

// keeps refuses to make jobs that nobody would ever run.
func (s *session) keeps() error {
	if s.local() && s.memory {
		return errLost
	}
	return nil
}

// sayWaiting tells a person that what was made does not run by itself.
func (s *session) sayWaiting(cmd *cobra.Command, what string) {
	if s.local() {
		fmt.Fprintf(cmd.ErrOrStderr(), "no engine runs: %s for tlo run\n", what)
	}
}

// work runs an engine in this process, without schedules, while f runs. Where
// an engine runs elsewhere, that one does the work.
func (s *session) work(ctx context.Context, f func(context.Context) error) error {
	if !s.local() {
		return f(ctx)
	}
	ran := make(chan error, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		err := s.runner.Work(context.WithoutCancel(ctx))
		cancel(err) // an engine that cannot run would leave f waiting
		ran <- err
	}()
	err := f(ctx)
	s.runner.Engine().Stop(engine.StopCancel) // other jobs it took are handed back
	if runErr := <-ran; runErr != nil {
		return runErr
	}
	return err
}

func (s *session) Close() error {
	err := s.Client.Close()
	if s.runner != nil {
		err = errors.Join(err, s.runner.Close())
	}
	if s.scratch != "" {
		err = errors.Join(err, os.RemoveAll(s.scratch))
	}
	return err
}

// withSession runs f with a session and closes it.
func withSession(cmd *cobra.Command, p purpose, f func(ctx context.Context, s *session) error) (err error) {
	s, err := openSession(cmd, p)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := s.Close(); err == nil {
			err = closeErr
		}
	}()
	return f(cmd.Context(), s)
}
