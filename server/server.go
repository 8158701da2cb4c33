package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/internal/typo"
)

// Options of a handler.
type Options struct {
	Engine  *engine.Engine
	Version string
	Running bool             // an engine runs behind it
	Loaded  func() []Problem // the plugins that could not be loaded; may be nil
	// Stopped is closed when the engine has stopped: a follow then tells how its
	// job is and ends. May be nil.
	Stopped <-chan struct{}
	// MaxBody bounds a request in bytes, beyond what the input of a task needs.
	// Default: 64 MiB.
	MaxBody int64
}

// MaxPage is the most jobs that a page holds.
const MaxPage = 10_000

type server struct{ Options }

// New returns the API's handler.
func New(o Options) http.Handler {
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	s := &server{o}
	mux := http.NewServeMux()
	for pattern, h := range map[string]func(*http.Request) (any, error){
		"GET /v1/status":            s.status,
		"GET /v1/tasks":             s.tasks,
		"GET /v1/schedules":         s.schedules,
		"POST /v1/schedules/fire":   s.fire,
		"POST /v1/jobs":             s.submit,
		"GET /v1/jobs":              s.jobs,
		"GET /v1/jobs/{id}":         s.job,
		"GET /v1/jobs/{id}/logs":    s.logs,
		"POST /v1/jobs/{id}/cancel": s.cancel,
		"POST /v1/jobs/{id}/retry":  s.retry,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, s.maxBody(s.largestInput()))
			v, err := h(r)
			if err != nil {
				writeError(w, err)
				return
			}
			writeJSON(w, http.StatusOK, v)
		})
	}
	mux.HandleFunc("GET /v1/jobs/{id}/output", s.output)
	mux.HandleFunc("GET /v1/jobs/{id}/follow", s.follow)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, fmt.Errorf("%s %s is no route of this API: %w", r.Method, r.URL.Path, engine.ErrNotFound))
	})
	return mux
}

// largestInput is the highest input limit of a task, in bytes.
func (s *server) largestInput() (largest int64) {
	for _, t := range s.Engine.Tasks() {
		largest = max(largest, t.Limits.Input)
	}
	return largest
}

// maxBody leaves room for an input of so many bytes, as base64.
func (s *server) maxBody(input int64) int64 {
	if input > (math.MaxInt64-s.MaxBody)/4*3 {
		return math.MaxInt64
	}
	return s.MaxBody + input/3*4
}

func (s *server) status(r *http.Request) (any, error) {
	counts, err := s.Engine.Counts(r.Context())
	return Status{Version: s.Version, PID: os.Getpid(), Running: s.Running, Queues: counts}, err
}

func (s *server) tasks(r *http.Request) (any, error) {
	schedules, err := s.Engine.Schedules(r.Context())
	if err != nil {
		return nil, err
	}
	list := Tasks{Tasks: []Task{}}
	stats := s.Engine.Stats()
	for _, t := range s.Engine.Tasks() {
		view := taskOf(t, stats)
		for _, st := range schedules {
			if st.Task == t.Name && !st.Next.IsZero() && (view.Next.IsZero() || st.Next.Before(view.Next)) {
				view.Next = st.Next
			}
		}
		list.Tasks = append(list.Tasks, view)
	}
	if s.Loaded != nil {
		list.Problems = s.Loaded()
	}
	return list, nil
}

func (s *server) schedules(r *http.Request) (any, error) {
	list, err := s.Engine.Schedules(r.Context())
	return orEmpty(list), err
}

func (s *server) fire(r *http.Request) (any, error) {
	jobs, err := s.Engine.Fire(r.Context())
	return shown(jobs), err
}

func (s *server) submit(r *http.Request) (any, error) {
	var requests []Submission
	err := decode(r.Body, &requests)
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, invalid("the request has more than %d bytes, and the largest input that a task takes has %d: submit less at once, or raise the input limit of the task", over.Limit, s.largestInput())
	}
	if err != nil {
		return nil, invalid("the request's body: %v", err)
	}
	submissions := make([]engine.Submission, len(requests))
	for i, q := range requests {
		if submissions[i], err = q.engine(); err != nil {
			return nil, err
		}
	}
	jobs, err := s.Engine.Submit(r.Context(), submissions...)
	if unknown, ok := errors.AsType[*engine.UnknownTaskError](err); ok {
		err = suggestion(unknown)
	}
	return shown(jobs), err
}

// suggestion adds what a misspelt task likely is.
func suggestion(unknown *engine.UnknownTaskError) error {
	message := unknown.Error()
	near := typo.DidYouMean(unknown.Name, unknown.Known)
	for _, known := range unknown.Known { // a slip in a longer word is as likely
		if near == "" && typo.Closest(known, []string{unknown.Name}) != "" {
			near = fmt.Sprintf("did you mean %q?", known)
		}
	}
	if near != "" {
		message = fmt.Sprintf("no task %q; %s", unknown.Name, near)
	}
	return &Error{Code: "not_found", Message: message}
}

func (s *server) jobs(r *http.Request) (any, error) {
	f, err := filterOf(r)
	if err != nil {
		return nil, err
	}
	page, err := s.Engine.Jobs(r.Context(), f)
	return Page{Jobs: shown(page.Jobs), Next: page.Next}, err
}

func (s *server) job(r *http.Request) (any, error) {
	job, err := s.Engine.Job(r.Context(), r.PathValue("id"))
	return JobOf(job), named(err, r)
}

func (s *server) cancel(r *http.Request) (any, error) {
	job, err := s.Engine.Cancel(r.Context(), r.PathValue("id"))
	return JobOf(job), named(err, r)
}

func (s *server) retry(r *http.Request) (any, error) {
	job, err := s.Engine.Retry(r.Context(), r.PathValue("id"))
	return JobOf(job), named(err, r)
}

func (s *server) logs(r *http.Request) (any, error) {
	after, err := number(r, "after")
	if err != nil {
		return nil, err
	}
	limit, err := number(r, "limit")
	if err != nil {
		return nil, err
	}
	lines, err := s.Engine.Logs(r.Context(), r.PathValue("id"), after, int(limit))
	return orEmpty(lines), named(err, r)
}

func (s *server) output(w http.ResponseWriter, r *http.Request) {
	job, err := s.Engine.Job(r.Context(), r.PathValue("id"))
	if err != nil {
		writeError(w, named(err, r))
		return
	}
	// Guest bytes: a browser must not take them for a page.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(job.Output) // the reader has gone; there is nobody to tell
}

// follow streams a job's changes and log lines until it has ended. The store is
// read after each event, so nothing is missed and nothing comes twice.
func (s *server) follow(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	after, err := number(r, "after")
	if err != nil {
		writeError(w, err)
		return
	}
	events, stop := s.Engine.Subscribe(id)
	defer func() { stop() }()
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	flush := http.NewResponseController(w).Flush
	last := false // nothing more will happen
	for begun := false; ; begun = true {
		job, err := s.Engine.Job(r.Context(), id)
		var lines []engine.LogLine
		if err == nil {
			lines, err = s.Engine.Logs(r.Context(), id, after, 0)
		}
		if err != nil {
			if !begun {
				writeError(w, named(err, r))
			}
			return
		}
		if n := len(lines); n > 0 {
			after = lines[n-1].Seq
		}
		if !begun {
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		change := Change{Lines: lines, Output: job.Output}
		if !job.State.Terminal() {
			change.Output, job.Input, job.Output = nil, nil, nil
		}
		change.Job = JobOf(job)
		if out.Encode(change) != nil || flush() != nil || job.State.Terminal() {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.Stopped:
			if last {
				return
			}
			last = true
		case _, ok := <-events:
			if !ok { // fell behind; what was missed is read from the store
				events, stop = s.Engine.Subscribe(id)
			}
			for len(events) > 0 { // one look serves them all
				<-events
			}
		}
	}
}

// named says which job was not found.
func named(err error, r *http.Request) error {
	if errors.Is(err, engine.ErrNotFound) {
		return NoJob(r.PathValue("id"))
	}
	return err
}

// NoJob is the error about an id that no job has.
func NoJob(id string) *Error {
	return &Error{Code: "not_found", Message: fmt.Sprintf("no job %.140q; see tlo jobs", id)}
}

func shown(jobs []engine.Job) []Job {
	views := make([]Job, len(jobs))
	for i, j := range jobs {
		views[i] = JobOf(j)
	}
	return views
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// decode reads the one JSON value of a body.
func decode(body io.Reader, v any) error {
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	switch _, err := dec.Token(); {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	return errors.New("there is more after the JSON value")
}

func invalid(format string, args ...any) error {
	return &Error{Code: "invalid", Message: fmt.Sprintf(format, args...)}
}

func filterOf(r *http.Request) (engine.Filter, error) {
	q := r.URL.Query()
	f := engine.Filter{
		Task: q.Get("task"), Queue: q.Get("queue"), Schedule: q.Get("schedule"), Key: q.Get("key"),
		Cursor: q.Get("cursor"),
	}
	for _, name := range q["state"] {
		state := engine.State(name)
		if !slices.Contains(engine.States, state) {
			return f, &Error{Code: "invalid", Message: fmt.Sprintf("state is %.40q: use one of %v", name, engine.States)}
		}
		f.States = append(f.States, state)
	}
	for name, field := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if v := q.Get(name); v != "" {
			t, err := time.Parse(time.RFC3339Nano, v)
			if err != nil {
				return f, &Error{Code: "invalid", Message: fmt.Sprintf("%s is %q: use a time such as 2026-01-31T06:00:00Z", name, v)}
			}
			*field = t
		}
	}
	limit, err := number(r, "limit")
	f.Limit = int(min(limit, MaxPage))
	return f, err
}

func number(r *http.Request, name string) (uint64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil {
		return 0, &Error{Code: "invalid", Message: fmt.Sprintf("%s is %q: use a whole number from 0", name, v)}
	}
	return n, nil
}
