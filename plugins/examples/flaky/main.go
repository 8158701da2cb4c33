// Command flaky is a task that fails until its third attempt: something to try
// a retry policy with.
package main

import (
	"fmt"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

// succeedsAt is the first attempt that succeeds.
const succeedsAt = 3

// Out is the output: which attempt made it.
type Out struct {
	Attempt int `json:"attempt"`
}

func init() { tlo.Register("flaky", flaky) }

func main() {}

func flaky(ctx *tlo.Context, _ struct{}) (Out, error) {
	n := ctx.Attempt()
	if n < succeedsAt {
		return Out{}, fmt.Errorf("attempt %d fails on purpose; attempt %d will succeed", n, succeedsAt)
	}
	ctx.Log.Info("succeeded at last", "attempt", n)
	return Out{Attempt: n}, nil
}
