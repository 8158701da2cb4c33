package server

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/tlo-run/tlo/engine"
)

// Payload is bytes as a program or a person likes to read them: as JSON if they
// are, else as text if they are, else as base64. One field at most is set. The
// JSON form keeps the value, not the spacing; for the exact bytes of an output
// there is a route of its own.
type Payload struct {
	JSON   json.RawMessage
	Text   string
	Base64 []byte
}

// PayloadOf chooses the form of data.
func PayloadOf(data []byte) Payload {
	switch {
	case len(data) == 0:
		return Payload{}
	case !utf8.Valid(data): // also where it passes for JSON
		return Payload{Base64: data}
	case json.Valid(data):
		return Payload{JSON: data}
	default:
		return Payload{Text: string(data)}
	}
}

// Bytes returns what the payload stands for.
func (p Payload) Bytes() []byte {
	switch {
	case p.JSON != nil:
		return p.JSON
	case p.Text != "":
		return []byte(p.Text)
	default:
		return p.Base64
	}
}

// Job is a job as the API shows it.
type Job struct {
	engine.Job
	Input        json.RawMessage `json:"input,omitempty"`
	InputText    string          `json:"input_text,omitempty"`
	InputBase64  []byte          `json:"input_base64,omitempty"`
	Output       json.RawMessage `json:"output,omitempty"`
	OutputText   string          `json:"output_text,omitempty"`
	OutputBase64 []byte          `json:"output_base64,omitempty"`
	InputSize    int             `json:"input_size,omitempty"`  // bytes; lists leave input and output out
	OutputSize   int             `json:"output_size,omitempty"` // bytes
	DurationMS   float64         `json:"duration_ms,omitempty"` // of the last attempt that ended
}

// JobOf shows a job.
func JobOf(j engine.Job) Job {
	in, out := PayloadOf(j.Input), PayloadOf(j.Output)
	return Job{
		Job:   j,
		Input: in.JSON, InputText: in.Text, InputBase64: in.Base64,
		Output: out.JSON, OutputText: out.Text, OutputBase64: out.Base64,
		InputSize: len(j.Input), OutputSize: len(j.Output),
		DurationMS: milliseconds(j.Duration()),
	}
}

// InputBytes returns the input; JSON may have lost its spacing.
func (j Job) InputBytes() []byte {
	return Payload{JSON: j.Input, Text: j.InputText, Base64: j.InputBase64}.Bytes()
}

// OutputBytes returns the output; JSON may have lost its spacing.
func (j Job) OutputBytes() []byte {
	return Payload{JSON: j.Output, Text: j.OutputText, Base64: j.OutputBase64}.Bytes()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Page is a part of a listing of jobs.
type Page struct {
	Jobs []Job  `json:"jobs"`
	Next string `json:"next,omitempty"` // the cursor of the next page
}

// Submission asks for a job. One of the three inputs at most is set.
type Submission struct {
	Task        string          `json:"task"`
	Input       json.RawMessage `json:"input,omitempty"`
	InputText   string          `json:"input_text,omitempty"`
	InputBase64 []byte          `json:"input_base64,omitempty"`
	ID          string          `json:"id,omitempty"`
	Key         string          `json:"key,omitempty"`
	Queue       string          `json:"queue,omitempty"`
	Priority    *int            `json:"priority,omitempty"`
	RunAt       time.Time       `json:"run_at,omitzero"`
}

// engine returns the engine's submission, or that it has several inputs.
func (s Submission) engine() (engine.Submission, error) {
	inputs := 0
	for _, set := range []bool{s.Input != nil, s.InputText != "", s.InputBase64 != nil} {
		if set {
			inputs++
		}
	}
	if inputs > 1 {
		return engine.Submission{}, invalid("a job of task %.80q has several inputs: use one of input, input_text and input_base64", s.Task)
	}
	return engine.Submission{
		Task:  s.Task,
		Input: Payload{JSON: s.Input, Text: s.InputText, Base64: s.InputBase64}.Bytes(),
		ID:    s.ID, Key: s.Key, Queue: s.Queue, Priority: s.Priority, RunAt: s.RunAt,
	}, nil
}

// Task is a task as the API shows it.
type Task struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Plugin      string          `json:"plugin,omitempty"` // empty for a Go function
	Queue       string          `json:"queue"`
	Priority    int             `json:"priority"`
	Timeout     string          `json:"timeout"`
	Memory      int64           `json:"memory"` // bytes
	Attempts    int             `json:"attempts"`
	Schedules   []string        `json:"schedules,omitempty"` // as written
	Next        time.Time       `json:"next,omitzero"`       // tick of any of them
	InputSchema json.RawMessage `json:"input_schema,omitempty"`
	Stats       *Stats          `json:"stats,omitempty"` // since the engine started
}

// Stats counts the attempts of a task.
type Stats struct {
	Executed  int     `json:"executed"`
	Failed    int     `json:"failed"`
	AverageMS float64 `json:"average_ms"`
	P50MS     float64 `json:"p50_ms"`
	P95MS     float64 `json:"p95_ms"`
	P99MS     float64 `json:"p99_ms"`
}

func taskOf(t engine.TaskDef, stats map[string]engine.TaskStats) Task {
	v := Task{
		Name: t.Name, Description: t.Description, Plugin: t.Plugin, Queue: t.Queue, Priority: t.Priority,
		Timeout: t.Limits.Timeout.String(), Memory: t.Limits.Memory, Attempts: t.Retry.Attempts,
		InputSchema: t.InputSchema,
	}
	for _, s := range t.Schedules {
		spec := s.Spec
		if s.Zone != "" {
			spec += " " + s.Zone
		}
		v.Schedules = append(v.Schedules, spec)
	}
	if s, ok := stats[t.Name]; ok {
		v.Stats = &Stats{
			Executed: s.Executed, Failed: s.Failed, AverageMS: milliseconds(s.Average),
			P50MS: milliseconds(s.P50), P95MS: milliseconds(s.P95), P99MS: milliseconds(s.P99),
		}
	}
	return v
}

// Problem is a plugin that could not be loaded.
type Problem struct {
	Plugin string `json:"plugin"`
	Error  string `json:"error"`
}

// Tasks lists what there is to run.
type Tasks struct {
	Tasks    []Task    `json:"tasks"`
	Problems []Problem `json:"problems,omitempty"`
}

// Status says what serves the API.
type Status struct {
	Version string                          `json:"version"`
	PID     int                             `json:"pid"`
	Running bool                            `json:"running"` // an engine runs; else a verb serves itself
	Queues  map[string]map[engine.State]int `json:"queues"`
}

// Change is one line of a job's follow: the job as it is now, and the log lines
// that are new. The last change of a job that has ended is all there is to know:
// the engine may be gone when somebody asks for more.
type Change struct {
	Job    Job              `json:"job"` // without input and output until it has ended
	Lines  []engine.LogLine `json:"lines,omitempty"`
	Output []byte           `json:"output,omitempty"` // the exact bytes, once it has ended
}
