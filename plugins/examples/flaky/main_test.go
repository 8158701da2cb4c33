package main

import (
	"testing"

	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

func TestFlaky(t *testing.T) {
	for n := 1; n <= 4; n++ {
		res := tlotest.Run(tlotest.Attempt{Task: "flaky", Number: n})
		if n < 3 {
			if res.Failure == nil || res.Failure.Kind != tlotest.Retry {
				t.Errorf("attempt %d: got %+v, want a failure to retry", n, res)
			}
			continue
		}
		var out Out
		if err := res.Decode(&out); err != nil || out.Attempt != n {
			t.Errorf("attempt %d: got %+v, %v", n, out, err)
		}
	}
}
