// Command runaway is a task that never ends and does not listen: something to
// try limits and cancellation with.
package main

import tlo "github.com/tlo-run/tlo/sdk/go"

func init() { tlo.Register("runaway", runaway) }

func main() {}

// Rounds is exported so that the loop has an effect to keep.
var Rounds uint64

func runaway(ctx *tlo.Context, _ struct{}) (struct{}, error) {
	ctx.Log.Info("running away")
	for {
		Rounds++
	}
}
