package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tlo-run/tlo/engine"
)

// Recorder is a reporter that remembers what it was told, one line each.
type Recorder struct {
	mu    sync.Mutex
	lines []string
}

var _ engine.Reporter = (*Recorder)(nil)

// Log implements [engine.Reporter].
func (r *Recorder) Log(level engine.Level, message string, fields map[string]string) {
	line := fmt.Sprintf("%v %q", level, message)
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		line += fmt.Sprintf(" %s=%q", name, fields[name])
	}
	r.add(line)
}

// Progress implements [engine.Reporter].
func (r *Recorder) Progress(fraction float64, message string) {
	r.add(fmt.Sprintf("progress %v %q", fraction, message))
}

func (r *Recorder) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

// Lines returns what was recorded, in order.
func (r *Recorder) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

// String joins the lines.
func (r *Recorder) String() string { return strings.Join(r.Lines(), "\n") }
