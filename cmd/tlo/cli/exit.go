package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tlo-run/tlo/engine"
)

// The exit codes; exitTable in root.go tells them to people.
const (
	exitOK        = 0
	exitError     = 1
	exitUsage     = 2
	exitFailed    = 3
	exitCancelled = 4
	exitTimeout   = 5
	exitNotFound  = 6
)

// codeError is an error with an exit code of its own.
type codeError struct {
	error
	code int
}

func (e *codeError) Unwrap() error { return e.error }

// namedFile gives the code for not found to an error about a file that the user
// named; what else may be missing on a machine is an error like others.
func namedFile(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &codeError{err, exitNotFound}
	}
	return err
}

func usageError(err error) error { return &codeError{err, exitUsage} }

// quietError ends with an exit code and no message: it was told already.
type quietError struct{ code int }

func (e *quietError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func exitCode(err error) int {
	var quiet *quietError
	var coded *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, engine.ErrNotFound):
		return exitNotFound
	case errors.Is(err, engine.ErrInvalid):
		return exitUsage
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return exitError
}

// jobExit is the exit of a verb that waited for a job.
func jobExit(state engine.State) error {
	switch state {
	case engine.Failed:
		return &quietError{exitFailed}
	case engine.Cancelled:
		return &quietError{exitCancelled}
	}
	return nil
}
