package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
)

// execFlags are the flags of tlo exec.
type execFlags struct {
	input   inputFlags
	task    string
	args    []string
	config  map[string]string
	files   map[string]string
	timeout durationFlag
	memory  sizeFlag
	fuel    int64
}

func newExec() *cobra.Command {
	f := execFlags{timeout: durationFlag(engine.DefaultLimits.Timeout), memory: sizeFlag(engine.DefaultLimits.Memory)}
	cmd := &cobra.Command{
		Use:   "exec FILE.wasm",
		Short: "Run a .wasm file once, with no store and no configuration",
		Long: `Run a .wasm file once: input from --input or --input-file, output on standard
output, logs and progress on standard error. Nothing is stored and nothing is
retried; the exit code is 3 if it failed.

The file gets what these flags grant and nothing else.`,
		Example: `  tlo exec report.wasm --input '{"day":1}'
  tlo exec csv-to-json.wasm --input-file data.csv
  tlo exec code-stats.wasm --files /src=. --input '{"root":"/src"}'`,
		Args: takes(1, 1, "one .wasm file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			task, err := f.definition(args[0])
			if err != nil {
				return err
			}
			input, err := f.input.read(cmd)
			if err != nil {
				return err
			}
			return execute(cmd, task, input)
		},
	}
	fl := cmd.Flags()
	f.input.add(cmd)
	fl.StringVar(&f.task, "task", "", "which `task`, if the file has several")
	fl.StringArrayVar(&f.args, "arg", nil, "an `argument` of a WASI command (may repeat)")
	fl.StringToStringVar(&f.config, "set", nil, "a value of the task's config, as `key=value` (may repeat)")
	fl.StringToStringVar(&f.files, "files", nil, "let it read a folder, as `/guest/path=folder` (may repeat)")
	fl.Var(&f.timeout, "timeout", "stop it after this time")
	fl.Var(&f.memory, "memory", "limit its memory, such as 64MiB")
	fl.Int64Var(&f.fuel, "fuel", 0, "stop it after so many `units` of work, about one simple operation each; 0 is no limit")
	return cmd
}

// definition is the task to run.
func (f *execFlags) definition(file string) (engine.TaskDef, error) {
	plugin, err := host.Inspect(file)
	if err != nil {
		return engine.TaskDef{}, namedFile(err)
	}
	var names []string
	chosen := -1
	for i, t := range plugin.Tasks {
		names = append(names, t.Name)
		if t.Name == f.task || f.task == "" && len(plugin.Tasks) == 1 {
			chosen = i
		}
	}
	if chosen < 0 {
		return engine.TaskDef{}, usageError(fmt.Errorf("%s has %s", file, f.pick(names)))
	}
	if f.timeout <= 0 || f.memory <= 0 {
		return engine.TaskDef{}, usageError(errors.New("--timeout and --memory take values above 0"))
	}
	t := plugin.Tasks[chosen]
	task := engine.TaskDef{
		Name: t.Name, Plugin: file, Export: t.Export, Args: f.args, Config: f.config,
		Limits: engine.Limits{Timeout: time.Duration(f.timeout), Memory: int64(f.memory), Fuel: f.fuel},
	}
	if t.Declared.Name != "" {
		task.Export = t.Declared.Name
	}
	for guest, path := range f.files {
		if !strings.HasPrefix(guest, "/") {
			return task, usageError(fmt.Errorf("--files %s=%s: the guest's path begins with a slash, as in --files /src=src", guest, path))
		}
		task.Grants.Files = append(task.Grants.Files, engine.FileGrant{Guest: guest, Path: path})
	}
	task = task.WithDefaults()
	return task, task.Validate()
}

// pick tells how to choose one of the tasks.
func (f *execFlags) pick(names []string) string {
	if f.task == "" {
		return "several tasks: pick one with --task " + strings.Join(names, " or --task ")
	}
	if len(names) == 1 {
		return fmt.Sprintf("no task %q; leave out --task to run %s", f.task, names[0])
	}
	return fmt.Sprintf("no task %q; there are: %s", f.task, strings.Join(names, ", "))
}

// execute runs one attempt on the terminal.
func execute(cmd *cobra.Command, task engine.TaskDef, input []byte) (err error) {
	var cache string
	if dir, err := os.UserCacheDir(); err == nil {
		cache = filepath.Join(dir, "tlo")
	}
	// Limits are the job's; a stop of the command reaches it as a cancellation.
	ctx := context.WithoutCancel(cmd.Context())
	h, err := host.New(ctx, host.Options{CacheDir: cache})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close(ctx)) }()
	if err := h.Compile(ctx, task.Plugin); err != nil {
		return err
	}
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(cmd.Context(), func() { cancel(engine.ErrCancelled) })()
	run, stop := context.WithTimeoutCause(run, task.Limits.Timeout, engine.ErrTimeout)
	defer stop()

	now := time.Now()
	job := engine.Job{ID: uuid.Must(uuid.NewV7()).String(), Task: task.Name, Queue: task.Queue, Input: input,
		RunAt: now, CreatedAt: now, StartedAt: now, Attempt: 1, State: engine.Running}
	report := &execReporter{w: newWatcher(cmd.ErrOrStderr())}
	result, err := h.Execute(run, task, job, report)
	report.used(result.Fuel)
	report.close()
	if errors.Is(context.Cause(run), engine.ErrCancelled) {
		return &codeError{engine.ErrCancelled, exitCancelled}
	}
	if writeErr := printOutput(cmd.OutOrStdout(), result.Output); writeErr != nil {
		return writeErr
	}
	if errors.Is(context.Cause(run), engine.ErrTimeout) {
		err = fmt.Errorf("%w of %v", engine.ErrTimeout, task.Limits.Timeout)
	}
	if err != nil {
		return &codeError{err, exitFailed}
	}
	return nil
}

// execReporter shows what an attempt says as it says it.
type execReporter struct {
	mu    sync.Mutex
	w     *watcher
	ended bool
}

func (r *execReporter) Log(level engine.Level, message string, fields map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.w.clear()
		_ = r.w.logs.print([]engine.LogLine{{At: time.Now(), Level: level, Message: message, Fields: fields}}) // the terminal has gone
	}
}

func (r *execReporter) Progress(fraction float64, message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended && fraction == fraction { // not NaN
		r.w.progress(engine.Progress{Fraction: min(max(fraction, 0), 1), Message: message})
	}
}

// used says what the attempt cost.
func (r *execReporter) used(fuel uint64) {
	if fuel > 0 {
		r.w.clear()
		r.w.line("used %s units of fuel", fuelText(fuel))
	}
}

func (r *execReporter) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.w.close()
}
