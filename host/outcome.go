package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
)

// Result codes of guests that mean more than failure, as in sysexits.h.
const (
	codeUsage   = 64 // never retry
	codeData    = 65 // never retry
	maxMessage  = 4 << 10
	maxTraceLog = 2 << 10
)

// outcome makes of a guest's end what the engine is told: its output, or why
// there is none.
func (r *run) outcome(ctx context.Context, e end) ([]byte, error) {
	said, message, delay := r.guest.End()
	switch {
	case e.forced:
		return nil, r.stopped(ctx)
	case e.exhausted:
		return nil, r.failure(engine.CauseFuel, fmt.Sprintf("used all its fuel; the limit of task %q is %d units: raise it, or do less per job",
			r.task.Name, r.task.Limits.Fuel), said == abi.Refused)
	case e.err != nil:
		r.host.log.Debug("guest trapped", "task", r.task.Name, "job_id", r.job.ID, "attempt", r.job.Attempt,
			"trace", abi.Text([]byte(e.err.Error()), maxTraceLog))
		if message == "" {
			message = trapMessage(e.err)
		}
		return nil, r.failure(engine.CauseTrap, message, said == abi.Refused)
	case said == abi.Snoozed:
		if message != "" {
			r.report.Log(engine.Info, message, nil)
		}
		return nil, engine.Snooze(delay)
	case said == abi.Failed || said == abi.Refused:
		return nil, r.failure(engine.CauseError, message, said == abi.Refused)
	case r.stdout != nil && r.stdout.over:
		return nil, forGood(engine.CauseError, "the output is over the limit of task %q, %s", r.task.Name, size(r.stdout.limit))
	case e.code != 0:
		return nil, r.failure(engine.CauseError, r.codeMessage(e.code), e.code == codeUsage || e.code == codeData)
	}
	output, wrote := r.guest.Output()
	if !wrote && r.stdout != nil {
		output = r.stdout.bytes
	}
	return output, nil
}

// failure names the memory limit where the guest ran into it: what it did then,
// from a trap to an exit code of its own, only follows from that.
func (r *run) failure(cause engine.Cause, message string, permanent bool) error {
	if r.refused > 0 {
		cause = engine.CauseMemory
		message = fmt.Sprintf("asked for %s of memory; the limit of task %q is %s: %s",
			size(int64(r.refused)), r.task.Name, size(r.task.Limits.Memory), message)
	}
	return &engine.Failure{Cause: cause, Message: abi.Text([]byte(message), maxMessage), Permanent: permanent}
}

func (r *run) codeMessage(code uint32) string {
	message := fmt.Sprintf("exit code %d", code)
	if !r.command {
		message = fmt.Sprintf("%s returned %d", r.function, int32(code))
	}
	if last := r.lines[0].last; last != "" {
		message += ": " + last
	}
	return message
}

// trapMessage is what went wrong without the runtime's stack trace.
func trapMessage(err error) string {
	if trap, ok := errors.AsType[*abi.Trap](err); ok {
		return trap.Error()
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line = strings.TrimSuffix(line, " (recovered by wazero)")
	return strings.ReplaceAll(line, "wasm error: ", "")
}

// stopped is the error of a guest that was stopped by force.
func (r *run) stopped(ctx context.Context) error {
	why := context.Cause(ctx)
	err := fmt.Errorf("%w; stopped by force after %v of grace", why, r.task.Limits.Grace)
	if timedOut(why) {
		return &engine.Failure{Cause: engine.CauseTimeout, Message: err.Error()}
	}
	return err
}

// notStarted is the error of an attempt whose context was done beforehand.
func notStarted(ctx context.Context) error {
	why := context.Cause(ctx)
	if timedOut(why) {
		return &engine.Failure{Cause: engine.CauseTimeout, Message: why.Error() + " before the guest started"}
	}
	return fmt.Errorf("%w before the guest started", why)
}

func timedOut(why error) bool {
	return errors.Is(why, engine.ErrTimeout) || errors.Is(why, context.DeadlineExceeded)
}
