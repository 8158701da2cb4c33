package host

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/module"
)

// Execute implements [engine.Executor]: it runs one attempt in an instance of
// its own. When ctx is done the guest is asked to stop, and stopped by force
// task.Limits.Grace later.
func (h *Host) Execute(ctx context.Context, task engine.TaskDef, job engine.Job, report engine.Reporter) (res engine.Result, err error) {
	if err := h.enter(); err != nil {
		return engine.Result{}, internal("%v", err)
	}
	defer h.attempts.Done()
	// The runtime is a compiler of hostile code: should it panic, one attempt
	// fails and not the process.
	defer func() {
		if fault := recover(); fault != nil {
			h.log.Debug("the runtime panicked", "task", task.Name, "job_id", job.ID, "stack", string(debug.Stack()))
			res, err = engine.Result{}, internal("the WebAssembly runtime failed: %v", fault)
		}
	}()
	task = task.WithDefaults()
	p, err := h.acquire(ctx, task.Plugin)
	if err != nil {
		return engine.Result{}, loadFailure(err)
	}
	defer func() {
		if err := h.release(context.WithoutCancel(ctx), p); err != nil {
			h.log.Warn("a plugin's old code stays in memory", "path", p.Path, "error", err)
		}
	}()
	r := &run{host: h, program: p, task: task, job: job, report: report}
	return r.attempt(ctx)
}

// run is one attempt.
type run struct {
	host    *Host
	program *program
	task    engine.TaskDef
	job     engine.Job
	report  engine.Reporter

	function string // export that runs the task
	command  bool
	guest    *abi.Attempt
	folders  *folders
	refused  uint64        // bytes of memory that were asked for and not given
	stdout   *outputBuffer // of a command
	lines    []*lineWriter // what becomes log; standard error is the first
	fuel     uint64        // that was used
}

func (r *run) attempt(ctx context.Context) (engine.Result, error) {
	if ctx.Err() != nil {
		return engine.Result{}, notStarted(ctx)
	}
	if err := r.prepare(ctx); err != nil {
		return engine.Result{}, err
	}
	folders, err := openFolders(r.task.Grants.Files)
	if err != nil {
		return engine.Result{}, err
	}
	defer folders.close()
	e, err := r.call(ctx, folders)
	if err != nil {
		return engine.Result{}, err
	}
	output, err := r.outcome(ctx, e)
	return engine.Result{Output: output, Fuel: r.fuel}, err
}

// prepare checks what can be known before the guest runs.
func (r *run) prepare(ctx context.Context) error {
	function, name, ok := r.program.entry(r.task.Name, r.task.Export)
	if !ok {
		return forGood(engine.CauseInternal, "plugin %s has no task %q; tlo inspect lists its tasks", r.program.Path, r.task.Export)
	}
	r.function, r.command = function, function == startExport
	if have, limit := int64(len(r.job.Input)), r.task.Limits.Input; have > limit {
		return forGood(engine.CauseError, "the input has %s; the limit of task %q is %s", size(have), r.task.Name, size(limit))
	}
	for _, arg := range r.task.Args {
		if strings.ContainsRune(arg, 0) {
			return forGood(engine.CauseInternal, "argument %q of task %q contains a zero byte", arg, r.task.Name)
		}
	}
	if m := r.program.Memory; m != nil {
		limit := r.task.Limits.Memory
		if need := int64(m.Min) * module.PageSize; need > limit {
			return forGood(engine.CauseMemory, "plugin %s starts with %s of memory; the limit of task %q is %s: raise it, or build for less",
				r.program.Path, size(need), r.task.Name, size(limit))
		}
	}
	r.guest = r.attemptOf(ctx, name)
	return nil
}

func (r *run) attemptOf(ctx context.Context, name string) *abi.Attempt {
	return abi.NewAttempt(ctx, r.task, name, r.job, r.report, r.program.Memory != nil)
}

// end is how a guest's code ended.
type end struct {
	err       error  // a trap; nil if it returned or exited
	code      uint32 // otherwise
	exited    bool
	forced    bool
	exhausted bool // it trapped because its fuel was used up
}

// whole reports whether the code ran to its end, so that the guest may serve
// again.
func (e end) whole() bool { return e.err == nil && !e.exited && !e.forced }

// call runs the guest in an instance, which is wiped or closed when it returns.
func (r *run) call(ctx context.Context, folders *folders) (end, error) {
	defer func() {
		for _, l := range r.lines {
			l.end()
		}
	}()
	r.streams()
	r.folders = folders
	im, failed, err := r.image(ctx)
	if err != nil || failed != nil {
		return orZero(failed), err
	}
	i, err := r.instance(ctx, im)
	if err != nil {
		return end{}, internal("start the guest: %v", err)
	}
	kept := false
	defer func() {
		if !kept {
			r.host.discard(i)
		}
	}()
	e := r.drive(ctx, i, r.guest, r.task.Limits.Fuel, func(guest context.Context) (uint32, error) {
		if im == nil {
			if err := r.initialise(guest, i); err != nil {
				return 0, err
			}
		}
		results, err := i.module.ExportedFunction(r.function).Call(guest)
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return api.DecodeU32(results[0]), nil
	})
	if im != nil && e.whole() && !r.guest.Changed() {
		kept = r.host.keep(r.program, im, i)
	}
	return e, nil
}

func orZero(e *end) end {
	if e == nil {
		return end{}
	}
	return *e
}

// drive lets code run in an instance on behalf of an attempt, within a budget of
// fuel and the time of ctx.
func (r *run) drive(ctx context.Context, i *instance, a *abi.Attempt, fuel int64, code func(ctx context.Context) (uint32, error)) end {
	guest, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.bind(i.slot, ctx.Done(), guest.Done())
	i.meter.Start(uint64(fuel))
	watch := watchOver(ctx, r.task.Limits.Grace, func() {
		i.meter.Stop()
		cancel() // what the guest waits for in a call
	})
	defer watch.end() // also where the runtime panics
	result, err := code(abi.With(guest, a))
	e := end{err: err, code: result, forced: watch.end(), exhausted: i.meter.Exhausted()}
	r.fuel = i.meter.Used()
	if i.memory != nil {
		r.refused = i.memory.Refused()
	}
	// An exit is an error of its own type. Its code is the guest's to choose,
	// also one that looks like the runtime's: only forced tells what happened.
	if exit, ok := errors.AsType[*sys.ExitError](err); ok {
		e.err, e.code, e.exited = nil, exit.ExitCode(), true
	}
	return e
}

// bind connects what the guest's side of an instance reaches to this attempt.
func (r *run) bind(s *slot, asked, forced <-chan struct{}) {
	if r.command {
		asked = nil // it cannot be asked, and must not take a short sleep for a whole one
	}
	*s = slot{out: r.lines[len(r.lines)-1], err: r.lines[0], asked: asked, forced: forced}
	if r.stdout != nil {
		s.out = r.stdout
	}
	for _, l := range r.lines {
		l.stop = forced
	}
	r.folders.stop = forced
}

// initialise does what comes before a task's function: what the runtime would
// do at instantiation, and _initialize.
func (r *run) initialise(ctx context.Context, i *instance) error {
	p := r.program
	if i.image == nil {
		for _, s := range p.code.Data {
			if !i.module.Memory().Write(s.Offset, s.Bytes) {
				return fmt.Errorf("out of bounds memory access: data of %d bytes at %#x", len(s.Bytes), s.Offset)
			}
		}
	}
	functions := []string{p.code.Start}
	if p.initialize && !r.command {
		functions = append(functions, initializeExport)
	}
	for _, name := range functions {
		if name == "" {
			continue
		}
		if _, err := i.module.ExportedFunction(name).Call(ctx); err != nil {
			return tooEarly(err)
		}
	}
	return nil
}

// tooEarly keeps a guest that exits with success before its task runs from
// looking as if it had run.
func tooEarly(err error) error {
	if exit, ok := errors.AsType[*sys.ExitError](err); ok && exit.ExitCode() == 0 {
		return errors.New("it exited during initialisation")
	}
	return err
}

// sleep ends when the attempt is asked to stop. A sleep that starts after that
// ends by force only, so that a guest that does not ask does not spin.
func sleep(asked, forced <-chan struct{}, d time.Duration) {
	select {
	case <-asked:
		asked = nil
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-asked:
	case <-forced:
	}
}

func internal(format string, args ...any) error {
	return &engine.Failure{Cause: engine.CauseInternal, Message: fmt.Sprintf(format, args...)}
}

func forGood(cause engine.Cause, format string, args ...any) error {
	return &engine.Failure{Cause: cause, Message: fmt.Sprintf(format, args...), Permanent: true}
}

// size writes a number of bytes for people.
func size(n int64) string {
	for shift, unit := range []string{"bytes", "KiB", "MiB", "GiB"} {
		if n>>(10*shift) < 1024 || unit == "GiB" {
			if whole := n >> (10 * shift); whole<<(10*shift) == n {
				return fmt.Sprintf("%d %s", whole, unit)
			}
			return fmt.Sprintf("%.1f %s", float64(n)/float64(int64(1)<<(10*shift)), unit)
		}
	}
	return ""
}
