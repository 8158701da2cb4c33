package tlotest_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

func TestOnlyTaskAnswersToAnyName(t *testing.T) {
	for _, name := range []string{"", "hello", "greet-customers"} {
		var out Out
		if err := tlotest.Run(tlotest.Attempt{Task: name, Input: In{"Ada"}}).Decode(&out); err != nil || out.Greeting != "Hello, Ada" {
			t.Errorf("as %q: got %+v, %v", name, out, err)
		}
	}
}

func TestInputForms(t *testing.T) {
	for _, in := range []any{In{"Ada"}, &In{"Ada"}, `{"name":"Ada"}`, []byte(`{"name":"Ada"}`)} {
		if err := tlotest.Run(tlotest.Attempt{Input: in}).Err(); err != nil {
			t.Errorf("%T: %v", in, err)
		}
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "tlotest: input: json") {
			t.Errorf("input without a JSON form: got panic %q", got)
		}
	}()
	tlotest.Run(tlotest.Attempt{Input: func() {}})
}

func TestCancelledFromTheStart(t *testing.T) {
	res := tlotest.Run(tlotest.Attempt{Input: In{"Ada"}, CancelAtPoll: 1})
	if res.Failure == nil || res.Failure.Kind != tlotest.Retry || res.Failure.Message != "context canceled" {
		t.Errorf("got %+v, want context canceled", res.Failure)
	}
	if res.Code != 1 || res.Output != nil {
		t.Errorf("got code %d, output %q, want 1 and none", res.Code, res.Output)
	}
}

func TestDecodeErrors(t *testing.T) {
	res := tlotest.Run(tlotest.Attempt{Input: In{"Ada"}})
	var n int
	if err := res.Decode(&n); err == nil || !strings.Contains(err.Error(), "Hello, Ada") {
		t.Errorf("got %v, want an error that shows the output", err)
	}
	if err := tlotest.Run(tlotest.Attempt{}).Decode(&n); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("got %v, want the task's failure", err)
	}
}

func TestAttemptsAtTheSameTime(t *testing.T) {
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			var out Out
			name := fmt.Sprintf("guest %d", i)
			errs[i] = tlotest.Run(tlotest.Attempt{Input: In{name}}).Decode(&out)
			if errs[i] == nil && out.Greeting != "Hello, "+name {
				errs[i] = fmt.Errorf("attempt %d: got %q", i, out.Greeting)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}
