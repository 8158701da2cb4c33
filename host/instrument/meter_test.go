package instrument_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/host/hosttest"
	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/module"
)

// start instantiates the instrumented form of b.
func start(t testing.TB, b []byte) *guest {
	t.Helper()
	w := &world{runtime: wazero.NewRuntime(t.Context())}
	t.Cleanup(func() { w.runtime.Close(context.Background()) })
	g, err := w.instantiate(t.Context(), b, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guest) call(t testing.TB, name string, args ...uint64) ([]uint64, error) {
	return g.ExportedFunction(name).Call(t.Context(), args...)
}

func built(build func(b *hosttest.Builder)) []byte {
	b := &hosttest.Builder{}
	build(b)
	return b.Bytes()
}

// counting is a module whose function count loops as often as it is told.
func counting() []byte {
	return built(func(b *hosttest.Builder) {
		b.Func("count", hosttest.Type("i"), hosttest.Loop(
			hosttest.Local(0), []byte{0x45, 0x04, 0x40}, hosttest.Return(), []byte{0x0b}, // if it is 0
			hosttest.Local(0), hosttest.I32(1), []byte{0x6b, 0x21, 0}))
	})
}

// doubling calls itself twice per level, without a loop.
func doubling() []byte {
	return built(func(b *hosttest.Builder) {
		again := hosttest.Call(0, hosttest.Local(0), hosttest.I32(1), []byte{0x6b})
		b.Func("double", hosttest.Type("i"),
			hosttest.Local(0), []byte{0x04, 0x40}, again, again, []byte{0x0b})
	})
}

func TestFuelIsDeterministic(t *testing.T) {
	g := start(t, counting())
	used := map[uint64]bool{}
	for range 5 {
		g.meter.Start(0)
		if _, err := g.call(t, "count", 100_000); err != nil {
			t.Fatal(err)
		}
		used[g.meter.Used()] = true
	}
	h := start(t, counting())
	h.meter.Start(1 << 40)
	if _, err := h.call(t, "count", 100_000); err != nil {
		t.Fatal(err)
	}
	used[h.meter.Used()] = true
	if len(used) != 1 {
		t.Errorf("used %v", used)
	}
	for fuel := range used {
		if fuel < 100_000 || fuel > 1_000_000 {
			t.Errorf("%d units for 100,000 rounds", fuel)
		}
	}
}

// TestBudgetIsExact finds that a run succeeds with what it uses and not with
// one unit less, on both sides of a quantum.
func TestBudgetIsExact(t *testing.T) {
	g := start(t, counting())
	for _, rounds := range []uint64{0, 1, 100, 5_000, 50_000} {
		g.meter.Start(0)
		if _, err := g.call(t, "count", rounds); err != nil {
			t.Fatal(err)
		}
		need := g.meter.Used()
		g.meter.Start(need)
		if _, err := g.call(t, "count", rounds); err != nil || g.meter.Exhausted() || g.meter.Used() != need {
			t.Errorf("%d rounds with %d: %v, used %d", rounds, need, err, g.meter.Used())
		}
		if need == 1 {
			continue // a budget of 0 is none
		}
		g.meter.Start(need - 1)
		if _, err := g.call(t, "count", rounds); err == nil || !g.meter.Exhausted() || g.meter.Used() != need-1 {
			t.Errorf("%d rounds with one less than %d: %v, used %d", rounds, need, err, g.meter.Used())
		}
	}
}

func TestNothingRunsBeforeStart(t *testing.T) {
	g := start(t, counting())
	if _, err := g.call(t, "count", 1); err == nil {
		t.Error("a new instance has fuel")
	}
}

func TestStartFunctionWaits(t *testing.T) {
	b := built(func(b *hosttest.Builder) { b.Start(b.Func("", hosttest.Type(""), hosttest.Unreachable())) })
	m, err := module.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	out, err := instrument.Rewrite(b, m)
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(context.Background())
	instance, err := r.Instantiate(t.Context(), out.Wasm)
	if err != nil {
		t.Fatal("the start function ran:", err)
	}
	if instance.ExportedFunction(out.Start) == nil {
		t.Error("the start function is not there")
	}
}

// endless are guests that no limit of time alone would end.
func endless() map[string]struct {
	bytes []byte
	call  string
	args  []uint64
} {
	type guest = struct {
		bytes []byte
		call  string
		args  []uint64
	}
	memory := func(pages int64, code []byte) guest {
		return guest{built(func(b *hosttest.Builder) {
			b.Memory(pages, -1)
			b.Func("run", hosttest.Type(""), hosttest.Loop(code))
		}), "run", nil}
	}
	const size = 512 << 20
	return map[string]guest{
		"loop":      {counting(), "count", []uint64{1 << 31}},
		"recursion": {doubling(), "double", []uint64{60}},
		"fill":      memory(size>>16, hosttest.Code(hosttest.I32(0), hosttest.I32(0), hosttest.I32(size), []byte{0xfc, 11, 0})),
		"copy":      memory(size>>16, hosttest.Code(hosttest.I32(1), hosttest.I32(0), hosttest.I32(size-1), []byte{0xfc, 10, 0, 0})),
		"grow":      memory(1, hosttest.Drop(hosttest.Grow(0))),
	}
}

// TestStopAndCollect stops guests that would run for ever, and collects garbage
// beside them. The bounds are wide, because machines are busy; without the
// checks nothing would end at all.
func TestStopAndCollect(t *testing.T) {
	for name, e := range endless() {
		t.Run(name, func(t *testing.T) {
			g := start(t, e.bytes)
			g.meter.Start(0)
			ended := make(chan time.Time)
			var failure error
			go func() {
				_, failure = g.call(t, e.call, e.args...)
				ended <- time.Now()
			}()
			for range 3 {
				before := time.Now()
				runtime.GC()
				if took := time.Since(before); took > time.Second {
					t.Errorf("garbage collection took %v", took)
				}
			}
			stopped := time.Now()
			g.meter.Stop()
			if took := (<-ended).Sub(stopped); took > 500*time.Millisecond {
				t.Errorf("it ran on for %v", took)
			}
			if failure == nil || !strings.Contains(failure.Error(), "unreachable") || g.meter.Exhausted() {
				t.Errorf("ended with %v", failure)
			}
			if g.meter.Used() == 0 {
				t.Error("used no fuel")
			}
		})
	}
}

func TestEndlessRunsOutOfFuel(t *testing.T) {
	for name, e := range endless() {
		g := start(t, e.bytes)
		const limit = 1_000_000
		g.meter.Start(limit)
		if _, err := g.call(t, e.call, e.args...); err == nil || !g.meter.Exhausted() || g.meter.Used() != limit {
			t.Errorf("%s: %v, used %d", name, err, g.meter.Used())
		}
	}
}

// TestDenseCode refuses what checks would make many times larger.
func TestDenseCode(t *testing.T) {
	empty := []byte{0x03, 0x40, 0x0b} // loop end
	for name, b := range map[string][]byte{
		"loops": built(func(b *hosttest.Builder) {
			b.Func("", hosttest.Type(""), slices.Repeat(empty, 100_000))
		}),
		"functions": built(func(b *hosttest.Builder) {
			for range 20_000 {
				b.Func("", hosttest.Type(""))
			}
		}),
	} {
		m, err := module.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := instrument.Rewrite(b, m); !errors.Is(err, instrument.ErrDense) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTakenNames instruments a module that exports the names which are added.
func TestTakenNames(t *testing.T) {
	g := start(t, built(func(b *hosttest.Builder) {
		b.Func("tlo:fuel", hosttest.Type(""))
		b.Func("tlo::rest", hosttest.Type(""))
	}))
	g.meter.Start(0)
	for _, name := range []string{"tlo:fuel", "tlo::rest"} {
		if _, err := g.call(t, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDeepLoops nests more loops than get a second one each, and leaves all of
// them from the innermost.
func TestDeepLoops(t *testing.T) {
	const depth = 300
	g := start(t, built(func(b *hosttest.Builder) {
		var code []byte
		for range depth {
			code = append(code, 0x03, 0x40)
		}
		code = append(code, hosttest.Code(hosttest.I32(7), []byte{0x0c})...)
		code = append(code, hosttest.U32(depth)...)
		for range depth {
			code = append(code, 0x0b)
		}
		b.Func("run", hosttest.Type(":i"), code, hosttest.I32(0))
	}))
	g.meter.Start(0)
	if got, err := g.call(t, "run"); err != nil || api.DecodeI32(got[0]) != 7 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestRangesInParts copies and fills more than a part, forwards, backwards and
// out of bounds, and compares with what the plain module does.
func TestRangesInParts(t *testing.T) {
	b := built(func(b *hosttest.Builder) {
		b.Memory(8, 8)
		operands := hosttest.Code(hosttest.Local(0), hosttest.Local(1), hosttest.Local(2))
		b.Func("fill", hosttest.Type("iii"), operands, []byte{0xfc, 11, 0})
		b.Func("copy", hosttest.Type("iii"), operands, []byte{0xfc, 10, 0, 0})
	})
	const size = 8 << 16
	plain := &world{runtime: wazero.NewRuntime(t.Context()), plain: true}
	defer plain.runtime.Close(context.Background())
	p, err := plain.instantiate(t.Context(), b, "")
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, b)
	for i := range uint32(size / 4) {
		p.Memory().WriteUint32Le(i*4, i*2654435761)
		g.Memory().WriteUint32Le(i*4, i*2654435761)
	}
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"fill", []uint64{100, 0xab, 70_000}},
		{"fill", []uint64{1, 0xcd, 512}},
		{"fill", []uint64{size - 66_000, 0xef, 66_000}},
		{"fill", []uint64{size - 66_000, 0xef, 66_001}},
		{"fill", []uint64{0, 1, 1<<32 - 1}},
		{"copy", []uint64{5, 0, 300_000}},
		{"copy", []uint64{0, 5, 300_000}},
		{"copy", []uint64{100_000, 99_000, 200_000}},
		{"copy", []uint64{7, 7, 200_000}},
		{"copy", []uint64{0, size - 70_000, 70_001}},
		{"copy", []uint64{size - 70_000, 0, 70_001}},
		{"copy", []uint64{1<<32 - 1, 0, 70_001}},
		{"copy", []uint64{0, 1, 513}},
	} {
		g.meter.Start(0)
		_, err := g.call(t, c.name, c.args...)
		_, want := p.call(t, c.name, c.args...)
		if (err == nil) != (want == nil) {
			t.Errorf("%s %v: %v, plain %v", c.name, c.args, err, want)
		}
		got, _ := g.Memory().Read(0, size)
		expected, _ := p.Memory().Read(0, size)
		if string(got) != string(expected) {
			t.Fatalf("%s %v: the memories differ", c.name, c.args)
		}
	}
}
