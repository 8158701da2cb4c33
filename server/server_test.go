package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
	"github.com/tlo-run/tlo/server"
)

// echo returns its input.
func echo(_ context.Context, _ engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
	return engine.Result{Output: job.Input}, nil
}

// newEngine makes an engine over memory with a task echo and what else is
// given.
func newEngine(t *testing.T, tasks ...engine.TaskDef) *engine.Engine {
	t.Helper()
	r, err := engine.NewRegistry(append(tasks, engine.TaskDef{Name: "echo", Run: echo, Limits: engine.Limits{Input: 1000}})...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(mem.New(), r, engine.ExecutorFunc(echo), engine.Config{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// running runs an engine until the test ends.
func running(t *testing.T, e *engine.Engine) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// ask makes one call and returns its status and body.
func ask(h http.Handler, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestErrorsHaveCodes(t *testing.T) {
	e := newEngine(t)
	h := server.New(server.Options{Engine: e, MaxBody: 2000})
	if status, body := ask(h, "POST", "/v1/jobs", `[{"task":"echo","id":"one","key":"k"}]`); status != http.StatusOK {
		t.Fatal(body)
	}
	if status, body := ask(h, "POST", "/v1/jobs/one/cancel", ""); status != http.StatusOK {
		t.Fatal(body)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		code, text         string
	}{
		{"GET", "/v1/jobs/nobody", "", 404, "not_found", `no job "nobody"; see tlo jobs`},
		{"GET", "/v1/jobs/nobody/output", "", 404, "not_found", `no job "nobody"`},
		{"GET", "/v1/jobs/nobody/logs", "", 404, "not_found", `no job "nobody"`},
		{"GET", "/v1/jobs/nobody/follow", "", 404, "not_found", `no job "nobody"`},
		{"POST", "/v1/jobs/nobody/cancel", "", 404, "not_found", `no job "nobody"`},
		{"POST", "/v1/jobs/nobody/retry", "", 404, "not_found", `no job "nobody"`},
		{"GET", "/v1/nothing", "", 404, "not_found", "GET /v1/nothing is no route"},
		{"DELETE", "/v1/jobs/one", "", 404, "not_found", "DELETE /v1/jobs/one is no route"},
		{"POST", "/v1/jobs", `[{"task":"ecko"}]`, 404, "not_found", `no task "ecko"; did you mean "echo"?`},
		{"POST", "/v1/jobs", `[{"task":"eco"}]`, 404, "not_found", `no task "eco"; did you mean "echo"?`},
		{"POST", "/v1/jobs", `[{"task":"ec"}]`, 404, "not_found", `no task "ec"; there are: echo`},
		{"POST", "/v1/jobs", `[{"task":"volcano"}]`, 404, "not_found", `no task "volcano"; there are: echo`},
		{"POST", "/v1/jobs", `[{"task":"echo","id":"one"}]`, 409, "duplicate", `"one" exists already`},
		{"POST", "/v1/jobs", `[{"task":"echo","key":"k"}]`, 409, "duplicate", `already has the key "k"`},
		{"POST", "/v1/jobs", `[{"task":"echo","priority":10}]`, 400, "invalid", "priority is 10"},
		{"POST", "/v1/jobs", `[{"task":"echo","colour":1}]`, 400, "invalid", `unknown field "colour"`},
		{"POST", "/v1/jobs", `{`, 400, "invalid", "the request's body: "},
		{"POST", "/v1/jobs", "[" + strings.Repeat(" ", 1<<25), 400, "invalid", "the largest input that a task takes has 1000: submit less"},
		{"POST", "/v1/jobs", `[{"task":"echo","input":1,"input_text":"a"}]`, 400, "invalid", "has several inputs: use one of input, input_text and input_base64"},
		{"POST", "/v1/jobs", `[{"task":"echo","input_text":"a","input_base64":"YQ=="}]`, 400, "invalid", "has several inputs"},
		{"POST", "/v1/jobs", `[{"task":"echo"}] []`, 400, "invalid", "there is more after the JSON value"},
		{"POST", "/v1/jobs", `[{"task":"echo"}]]`, 400, "invalid", "the request's body: "},
		{"POST", "/v1/jobs/one/cancel", "", 409, "state", "job one is cancelled"},
		{"GET", "/v1/jobs?state=volcano", "", 400, "invalid", `state is "volcano"`},
		{"GET", "/v1/jobs?limit=-1", "", 400, "invalid", `limit is "-1"`},
		{"GET", "/v1/jobs?since=tomorrow", "", 400, "invalid", `since is "tomorrow"`},
		{"GET", "/v1/jobs?cursor=volcano", "", 400, "invalid", `cursor "volcano"`},
		{"GET", "/v1/jobs/one/logs?after=x", "", 400, "invalid", `after is "x"`},
		{"GET", "/v1/jobs/one/follow?after=x", "", 400, "invalid", `after is "x"`},
	} {
		status, body := ask(h, c.method, c.path, c.body)
		var answer struct{ Error server.Error }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Errorf("%s %s: %v in %s", c.method, c.path, err, body)
		}
		if status != c.status || answer.Error.Code != c.code || !strings.Contains(answer.Error.Message, c.text) {
			t.Errorf("%s %s: %d %+v, want %d %s …%s…", c.method, c.path, status, answer.Error, c.status, c.code, c.text)
		}
	}
}

// All or none: a job beside a wrong one is not made.
func TestSubmitIsAllOrNone(t *testing.T) {
	h := server.New(server.Options{Engine: newEngine(t)})
	if status, _ := ask(h, "POST", "/v1/jobs", `[{"task":"echo","id":"good"},{"task":"volcano"}]`); status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	if status, body := ask(h, "GET", "/v1/jobs/good", ""); status != http.StatusNotFound {
		t.Error(body)
	}
}

// The bound on a request leaves room for the largest input that a task takes.
func TestLargeInputsPass(t *testing.T) {
	const size = 3 << 20
	e := newEngine(t, engine.TaskDef{Name: "large", Run: echo, Limits: engine.Limits{Input: size}})
	h := server.New(server.Options{Engine: e, MaxBody: 1000})
	body, err := json.Marshal([]server.Submission{{Task: "large", ID: "one", InputBase64: make([]byte, size)}})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := ask(h, "POST", "/v1/jobs", string(body)); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
}

// A limit that is no limit leaves room for any request.
func TestHugeLimits(t *testing.T) {
	e := newEngine(t, engine.TaskDef{Name: "huge", Run: echo, Limits: engine.Limits{Input: 1 << 40}})
	h := server.New(server.Options{Engine: e})
	if status, answer := ask(h, "POST", "/v1/jobs", `[{"task":"huge"}]`); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
}

func TestPayloads(t *testing.T) {
	for in, want := range map[string]server.Payload{
		"":              {},
		`{ "a": 1 }`:    {JSON: json.RawMessage(`{ "a": 1 }`)},
		"null":          {JSON: json.RawMessage("null")},
		"привіт":        {Text: "привіт"},
		"\xff":          {Base64: []byte("\xff")},
		"\"\xff\"":      {Base64: []byte("\"\xff\"")}, // passes for JSON
		"{} trailing x": {Text: "{} trailing x"},
	} {
		got := server.PayloadOf([]byte(in))
		if string(got.JSON) != string(want.JSON) || got.Text != want.Text || string(got.Base64) != string(want.Base64) {
			t.Errorf("%q is %+v", in, got)
		}
		if string(got.Bytes()) != in {
			t.Errorf("%q comes back as %q", in, got.Bytes())
		}
	}
}

func TestShortNamesAreGuessed(t *testing.T) {
	h := server.New(server.Options{Engine: newEngine(t, engine.TaskDef{Name: "sum", Run: echo})})
	if _, body := ask(h, "POST", "/v1/jobs", `[{"task":"sm"}]`); !strings.Contains(body, `did you mean \"sum\"?`) {
		t.Error(body)
	}
}
