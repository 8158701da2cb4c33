package instrument

import (
	"math"

	"github.com/tetratelabs/wazero/api"
)

// The exports of the counters, after the prefix.
const (
	fuelName  = "fuel"
	restName  = "rest"
	floorName = "floor"
)

// unlimited is the budget of a run without a limit: centuries.
const unlimited = 1 << 62

// Meter is the host's side of the counters of one instance. A new instance has
// no fuel. Stop may be called at any time; the other methods when the guest
// does not run.
type Meter struct {
	fuel, rest, floor api.MutableGlobal
	budget            int64
}

// Meter returns the meter of an instance of m.
func (m *Module) Meter(instance api.Module) *Meter {
	global := func(name string) api.MutableGlobal {
		return instance.ExportedGlobal(m.prefix + name).(api.MutableGlobal)
	}
	return &Meter{fuel: global(fuelName), rest: global(restName), floor: global(floorName)}
}

// Start gives the guest a budget in units, 0 for no limit.
func (m *Meter) Start(limit uint64) {
	m.budget = unlimited
	if limit > 0 && limit < unlimited {
		m.budget = int64(limit)
	}
	// What is left after whole quanta goes first, with one of them: so the end of
	// the budget is the end of a quantum, and a short run never leaves its code.
	first := m.budget % Quantum
	if m.budget >= Quantum {
		first += Quantum
	}
	m.fuel.Set(uint64(first))
	m.rest.Set(uint64(m.budget - first))
	m.floor.Set(0)
}

// Stop makes the guest trap within a quantum. It has no effect on a guest that
// does not run.
func (m *Meter) Stop() { m.floor.Set(math.MaxInt64) }

// Used returns the fuel that was used since Start, at most the budget.
func (m *Meter) Used() uint64 {
	if m.Exhausted() {
		return uint64(m.budget)
	}
	fuel, left := int64(m.fuel.Get()), int64(m.fuel.Get())+int64(m.rest.Get())
	if fuel < 0 { // it was stopped after it paid for a quantum it never got
		left += Quantum
	}
	return uint64(m.budget - max(left, 0))
}

// Exhausted reports whether the guest trapped because it had used its budget.
func (m *Meter) Exhausted() bool { return int64(m.rest.Get()) < 0 }
