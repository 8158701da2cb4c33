package host

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// tasksSection is the custom section in which a plugin declares its tasks.
const tasksSection = "tlo.tasks"

// What the section may hold.
const (
	maxTasksSection = 256 << 10
	maxTasksDepth   = 16
	maxTasks        = 256
	maxNeeds        = 64
	maxDescription  = 4 << 10
)

// Declaration is what a plugin says about one of its tasks, and asks for. Only
// the operator grants. Zero values were not said.
type Declaration struct {
	Name         string          `json:"name"`
	Export       string          `json:"export"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"input_schema"`
	OutputSchema json.RawMessage `json:"output_schema"`
	Timeout      Duration        `json:"timeout"`
	Memory       Bytes           `json:"memory"`
	Retry        json.RawMessage `json:"retry"` // an object, as in the configuration
	Queue        string          `json:"queue"`
	Priority     *int            `json:"priority"`
	Schedule     string          `json:"schedule"`
	Needs        []string        `json:"needs"` // grants, such as "kv" or "http:api.example.com"
	Warm         bool            `json:"warm"`
}

// Duration is written as "30s" in JSON.
type Duration time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration such as 30s or 5m", clip(string(b)))
	}
	*d = Duration(v)
	return nil
}

// Bytes is written as "64MiB" in JSON; the units are KiB, MiB and GiB.
type Bytes int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (n *Bytes) UnmarshalText(b []byte) error {
	for shift, unit := range map[int]string{10: "KiB", 20: "MiB", 30: "GiB"} {
		digits, ok := strings.CutSuffix(string(b), unit)
		if !ok {
			continue
		}
		if v, err := strconv.ParseUint(digits, 10, 16); err == nil {
			*n = Bytes(v << shift)
			return nil
		}
	}
	return fmt.Errorf("%q is no size such as 64MiB", clip(string(b)))
}

// parseTasks reads the section and reports the first thing wrong with it.
func parseTasks(b []byte) ([]Declaration, error) {
	if len(b) > maxTasksSection {
		return nil, fmt.Errorf("it has %d bytes; the limit is %d", len(b), maxTasksSection)
	}
	if depth(b) > maxTasksDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxTasksDepth)
	}
	var section struct {
		ABI   int           `json:"abi"`
		Tasks []Declaration `json:"tasks"`
	}
	if err := json.Unmarshal(b, &section); err != nil {
		return nil, err
	}
	if section.ABI != 1 {
		return nil, fmt.Errorf("its abi is %d; known is 1", section.ABI)
	}
	if len(section.Tasks) == 0 || len(section.Tasks) > maxTasks {
		return nil, fmt.Errorf("it declares %d tasks; 1 to %d are possible", len(section.Tasks), maxTasks)
	}
	seen := map[string]bool{}
	for _, t := range section.Tasks {
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("task %q: %w", clip(t.Name), err)
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("task %q is declared twice", t.Name)
		}
		seen[t.Name] = true
	}
	return section.Tasks, nil
}

func (d *Declaration) check() error {
	switch {
	case !engine.ValidName(d.Name):
		return fmt.Errorf("a name has 1 to 64 characters of a-z 0-9 _ . - and starts with a letter or digit")
	case d.Queue != "" && !engine.ValidName(d.Queue):
		return fmt.Errorf("queue %q is no name", clip(d.Queue))
	case d.Priority != nil && (*d.Priority < engine.MinPriority || *d.Priority > engine.MaxPriority):
		return fmt.Errorf("priority is %d: use %d to %d", *d.Priority, engine.MinPriority, engine.MaxPriority)
	case len(d.Description) > maxDescription:
		return fmt.Errorf("the description has %d bytes; the limit is %d", len(d.Description), maxDescription)
	case len(d.Needs) > maxNeeds:
		return fmt.Errorf("it needs %d grants; the limit is %d", len(d.Needs), maxNeeds)
	case !schema(d.InputSchema) || !schema(d.OutputSchema):
		return fmt.Errorf("a schema is a JSON object, true or false")
	case len(d.Retry) > 0 && d.Retry[0] != '{' && string(d.Retry) != "null":
		return fmt.Errorf("retry is an object")
	}
	return nil
}

func schema(b json.RawMessage) bool {
	switch string(b) {
	case "", "null", "true", "false":
		return true
	}
	return b[0] == '{'
}

// depth returns how deep brackets nest outside strings, before any parser
// follows them.
func depth(b []byte) int {
	now, deepest, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
