package host

import (
	"bytes"
	"fmt"
	"strconv"
	"syscall"

	"github.com/tetratelabs/wazero"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
)

// maxLine is where a line of a guest's standard error is cut into two, in bytes.
const maxLine = 8 << 10

// streams makes what the standard streams lead to. A command has its output
// there; of a native plugin they are only log lines. Log lines of standard error
// are the first of r.lines, those of standard output the last.
func (r *run) streams() {
	lines := func(level engine.Level) {
		r.lines = append(r.lines, &lineWriter{emit: func(line string) { r.report.Log(level, line, nil) }})
	}
	lines(engine.Info)
	if r.command {
		r.stdout = &outputBuffer{limit: r.task.Limits.Output}
	} else {
		lines(engine.Debug)
	}
}

// config is what an instance for this attempt is made with. That of a native
// plugin is for any attempt, unless folders are granted: what changes from one
// to the next is behind the slot.
func (r *run) config(s *slot) wazero.ModuleConfig {
	config := s.over(r.host.config)
	if len(r.task.Grants.Files) > 0 {
		config = config.WithFSConfig(r.folders.config)
	}
	if !r.command {
		return config
	}
	return config.
		WithStdin(bytes.NewReader(r.job.Input)).
		WithArgs(append([]string{r.task.Name}, r.task.Args...)...).
		WithEnv("TLO_TASK", r.task.Name).
		WithEnv("TLO_JOB_ID", r.job.ID).
		WithEnv("TLO_ATTEMPT", strconv.Itoa(r.job.Attempt)).
		WithEnv("TLO_DEADLINE_MS", fmt.Sprint(r.guest.Remaining()))
}

// lineWriter makes log lines of what a guest writes. Empty lines are dropped.
type lineWriter struct {
	emit    func(line string)
	stop    <-chan struct{}
	partial []byte
	last    string // line that was emitted
}

func (w *lineWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		// One call of a guest may write its whole memory a million times over,
		// and force does not reach into a call.
		select {
		case <-w.stop:
			return 0, syscall.EIO
		default:
		}
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - len(w.partial); len(part) > room {
			part, rest, whole = b[:room], b[room:], true
		}
		w.partial, b = append(w.partial, part...), rest
		if whole {
			w.end()
		}
	}
	return n, nil
}

// end emits what there is of a line.
func (w *lineWriter) end() {
	line := bytes.TrimSuffix(w.partial, []byte{'\r'})
	if len(line) > 0 {
		w.last = abi.Text(line, maxLine)
		w.emit(w.last)
	}
	w.partial = w.partial[:0]
}

// outputBuffer keeps the standard output of a command, up to its limit.
type outputBuffer struct {
	limit int64
	bytes []byte
	over  bool
}

func (o *outputBuffer) Write(b []byte) (int, error) {
	if int64(len(o.bytes))+int64(len(b)) > o.limit {
		o.over = true
		return 0, syscall.EFBIG
	}
	o.bytes = append(o.bytes, b...)
	return len(b), nil
}
