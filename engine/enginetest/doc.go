// Package enginetest is the conformance suite of stores: what the contracts in
// package engine promise, as tests that every store passes.
//
// A store's own test is a few lines: it describes a [Place] and calls
// [RunStore], [RunModel], [Hammer] and [BenchStore].
package enginetest

import (
	"context"
	"os"
	"strconv"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

// Place is where one store lives, empty at first.
type Place struct {
	// Open opens the store of this place. It is called again only after Close.
	Open func() (engine.Store, error)
	// Durable says that what was committed is there when it opens again.
	Durable bool
	// Exclusive says that one process owns the store: opening it ends the
	// leases that were held, as if they had run out.
	Exclusive bool
}

// NewPlace makes a place for one test and cleans up after it.
type NewPlace func(tb testing.TB) Place

// Checker is a store that can tell whether its parts agree. The suite asks
// before each Close.
type Checker interface {
	Check(ctx context.Context) error
}

// RunStore runs the whole suite, each test on a place of its own.
func RunStore(t *testing.T, place NewPlace) {
	for _, area := range []struct {
		name  string
		tests []test
	}{
		{"submit", submitTests},
		{"lease", leaseTests},
		{"fence", fenceTests},
		{"settle", settleTests},
		{"effects", effectTests},
		{"expire", expireTests},
		{"change", changeTests},
		{"list", listTests},
		{"logs", logTests},
		{"purge", purgeTests},
		{"ticks", tickTests},
		{"kv", kvTests},
		{"values", valueTests},
		{"close", closeTests},
		{"reopen", reopenTests},
	} {
		t.Run(area.name, func(t *testing.T) {
			for _, test := range area.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(open(t, place))
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(k *kit)
}

// seed returns the seed of a random run: TLO_SEED, or def, which is fixed so
// that the ordinary run is the same each time.
func seed(tb testing.TB, def uint64) uint64 {
	s := os.Getenv("TLO_SEED")
	if s == "" {
		return def
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		tb.Fatalf("TLO_SEED=%q is no number: %v", s, err)
	}
	return n
}
