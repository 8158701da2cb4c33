package module_test

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/host/hosttest"
	"github.com/tlo-run/tlo/host/module"
)

// sample is a small module with every kind of section that the builder writes.
func sample() []byte {
	b := &hosttest.Builder{}
	log := b.Import("tlo", "log", hosttest.Type("iii"))
	exit := b.Import("wasi_snapshot_preview1", "proc_exit", hosttest.Type("i"))
	start := b.Func("", hosttest.Type(""), hosttest.Call(log, hosttest.I32(2), hosttest.I32(8), hosttest.I32(-1)))
	b.FuncLocals("tlo_run", hosttest.Type(":i"), 3, hosttest.LoopWhileZero(hosttest.Load(4)), hosttest.Nest(3), hosttest.I32(0))
	b.Func("exit", hosttest.Type("ld:i"), hosttest.Call(exit, hosttest.I32(1)), hosttest.Drop(hosttest.F64(1.5)), hosttest.Unreachable())
	b.Memory(1, 2)
	b.Table(1, 10)
	b.Start(start)
	b.Data(8, []byte("hello"))
	b.Custom("tlo.tasks", []byte(`{"abi":1}`))
	b.Custom("name", []byte{1, 6, 1, 2, 3, 'r', 'u', 'n'})
	return b.Bytes()
}

func TestRead(t *testing.T) {
	m, err := module.Read(sample())
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Imports) != 2 || m.Imports[0].Module != "tlo" || m.Imports[0].Type.String() != "(i32, i32, i32) -> ()" {
		t.Errorf("imports %v", m.Imports)
	}
	run, ok := m.Export("tlo_run")
	if !ok || run.Type.String() != "() -> i32" {
		t.Errorf("export %v %v", run, run.Type)
	}
	if e, _ := m.Export("exit"); e.Type != hosttest.Type("ld:i") {
		t.Errorf("export %v %v", e, e.Type)
	}
	if m.Memory == nil || *m.Memory != (module.Memory{Min: 1, Max: 2, HasMax: true}) {
		t.Errorf("memory %v", m.Memory)
	}
	if !m.Start || len(m.Customs) != 2 || string(m.Customs[0].Data) != `{"abi":1}` {
		t.Errorf("start %v, custom sections %v", m.Start, m.Customs)
	}
}

// TestTruncated cuts a module at every byte: what is left is an error, except
// where it ends between sections and nothing that follows is missed.
func TestTruncated(t *testing.T) {
	whole := sample()
	accepted := 0
	for n := range whole {
		_, err := module.Read(whole[:n])
		if err == nil {
			accepted++
			continue
		}
		if e, ok := errors.AsType[*module.Error](err); !ok || e.Offset > n {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	// The header alone, the types, and each custom or data section left out.
	if accepted > 6 {
		t.Errorf("%d of %d cuts are accepted", accepted, len(whole))
	}
}

func TestFlippedBits(t *testing.T) {
	whole := sample()
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			module.Read(b) // must not panic
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample())
	f.Add([]byte("\x00asm\x0d\x00\x01\x00"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	for _, c := range hostile() {
		if len(c.bytes) < 1<<16 {
			f.Add(c.bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := module.Read(b)
		if m == nil {
			t.Fatal("no module")
		}
		if e, ok := errors.AsType[*module.Error](err); err != nil && (!ok || e.Offset < 0 || e.Offset > len(b)) {
			t.Fatalf("error %v", err)
		}
	})
}

type hostileCase struct {
	name  string
	bytes []byte
	fault module.Fault
	text  string
}

// raw joins a header and sections.
func raw(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

// section makes a section of that id.
func section(id byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return slices.Concat([]byte{id}, hosttest.U32(uint32(len(body))), body)
}

// functions makes a module of functions with these bodies.
func functions(bodies ...[]byte) []byte {
	types := section(1, []byte{1, 0x60, 0, 0})
	declared := slices.Concat(hosttest.U32(uint32(len(bodies))), make([]byte, len(bodies)))
	code := hosttest.U32(uint32(len(bodies)))
	for _, b := range bodies {
		code = slices.Concat(code, hosttest.U32(uint32(len(b))), b)
	}
	return raw(types, section(3, declared), section(10, code))
}

func hostile() []hostileCase {
	most := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 2^32-1
	end := []byte{0x0b}
	manyLocals := slices.Concat([]byte{1}, most, []byte{0x7e}, end)
	manyFunctions := make([][]byte, 500)
	for i := range manyFunctions {
		manyFunctions[i] = slices.Concat([]byte{1}, hosttest.U32(module.MaxLocals), []byte{0x7e}, end)
	}
	deep := make([][]byte, 10)
	for i := range deep {
		deep[i] = slices.Concat([]byte{0}, hosttest.Nest(module.MaxDepth-1), end)
	}
	table := func(b []byte) []byte { return raw(section(4, b)) }
	growing := raw(
		section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0}),
		section(4, []byte{1, 0x70, 0, 1}),
		section(10, []byte{1, 11, 0, 0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a, 0x01, 0x0b}),
	)
	return []hostileCase{
		{"types by claim", raw(section(1, most)), module.OverLimit, "types"},
		{"types without bytes", raw(section(1, hosttest.U32(90_000))), module.Truncated, "types"},
		{"parameters by claim", raw(section(1, []byte{1, 0x60}, most, []byte{0, 0})), module.OverLimit, "parameters"},
		{"imports by claim", raw(section(2, most)), module.OverLimit, "imports"},
		{"functions by claim", raw(section(3, most)), module.OverLimit, "functions"},
		{"exports by claim", raw(section(7, most)), module.OverLimit, "exports"},
		{"globals by claim", raw(section(6, most)), module.OverLimit, "globals"},
		{"elements by claim", raw(section(9, []byte{1, 1, 0}, most)), module.OverLimit, "elements"},
		{"data by claim", raw(section(11, most)), module.OverLimit, "data segments"},
		{"data bytes by claim", raw(section(11, []byte{1, 1}, most)), module.Truncated, "ends"},
		{"name by claim", raw(section(7, []byte{1}, most, []byte{0, 0})), module.OverLimit, "name"},
		{"name not UTF-8", raw(section(7, []byte{1, 1, 0xff, 3, 0})), module.Malformed, "UTF-8"},
		{"section by claim", raw([]byte{1}, most), module.Truncated, "ends"},
		{"debug names by claim", raw(section(0, []byte{4}, []byte("name"), []byte{1, 5}, most)), module.OverLimit, "debug names"},
		{"local names by claim", raw(section(0, []byte{4}, []byte("name"), []byte{2, 7, 1, 0}, most)), module.OverLimit, "debug names"},
		{"custom sections", raw(slices.Repeat(section(0, []byte{1, 'x'}), module.MaxCustomSections+1)), module.OverLimit, "custom"},
		{"locals", functions(manyLocals), module.OverLimit, "locals"},
		{"locals together", functions(manyFunctions...), module.OverLimit, "together"},
		{"nesting", functions(slices.Concat([]byte{0}, hosttest.Nest(module.MaxDepth+1), end)), module.OverLimit, "nests"},
		{"nesting together", functions(deep...), module.OverLimit, "nest too many"},
		{"br_table", functions(slices.Concat([]byte{0, 0x41, 0, 0x0e}, most, end)), module.OverLimit, "br_table"},
		{"body", functions(slices.Concat([]byte{0}, make([]byte, module.MaxBody), end)), module.OverLimit, "bytes of code"},
		{"table", table([]byte{1, 0x70, 0, 0x81, 0x80, 0x40}), module.OverLimit, "table"},
		{"tables together", table(slices.Concat([]byte{2}, slices.Repeat([]byte{0x70, 0, 0x80, 0x80, 0x30}, 2))), module.OverLimit, "tables"},
		{"table that grows", growing, module.OverLimit, "no maximum"},
		{"memory", raw(section(5, []byte{1, 0, 0x81, 0x80, 4})), module.Malformed, "pages"},
		{"sections twice", raw(section(5, []byte{0}), section(5, []byte{0})), module.Malformed, "twice"},
		{"sections out of order", raw(section(7, []byte{0}), section(5, []byte{0})), module.Malformed, "order"},
		{"section too long", raw(section(5, []byte{0, 0})), module.Malformed, "longer"},
		{"unknown section", raw(section(99)), module.Malformed, "unknown"},
		{"unknown instruction", functions([]byte{0, 0x27, 0x0b}), module.Malformed, "instruction"},
		{"code after end", functions([]byte{0, 0x0b, 0x01}), module.Malformed, "after the end"},
		{"no end", functions([]byte{0, 0x01}), module.Truncated, "ends"},
		{"functions without code", raw(section(1, []byte{1, 0x60, 0, 0}), section(3, []byte{1, 0})), module.Malformed, "declares 1 functions"},
		{"integer too long", raw([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x80, 0}), module.Malformed, "integer"},
		{"integer too large", raw([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x7f}), module.Malformed, "integer"},
		{"type out of range", raw(section(3, []byte{1, 5})), module.Malformed, "type 5 of 0"},
		{"export out of range", raw(section(7, []byte{1, 1, 'x', 0, 9})), module.Malformed, "function 9 of 0"},
		{"version", []byte("\x00asm\x02\x00\x00\x00"), module.Malformed, "version 2"},
		{"nothing", nil, module.Malformed, "start"},
	}
}

func TestHostile(t *testing.T) {
	for _, c := range hostile() {
		t.Run(c.name, func(t *testing.T) {
			_, err := module.Read(c.bytes)
			e, ok := errors.AsType[*module.Error](err)
			if !ok || e.Fault != c.fault || !strings.Contains(e.Text, c.text) {
				t.Errorf("got %v, want fault %d about %q", err, c.fault, c.text)
			}
		})
	}
}

// TestAllocation holds the promise that claims cost nothing.
func TestAllocation(t *testing.T) {
	for _, c := range hostile() {
		if len(c.bytes) > 1000 {
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		module.Read(c.bytes)
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		if got > 64<<10 {
			t.Errorf("%s: %d bytes allocated for %d", c.name, got, len(c.bytes))
		}
	}
}

func TestFeatures(t *testing.T) {
	for _, c := range []struct {
		feature module.Feature
		bytes   []byte
	}{
		{module.Components, []byte("\x00asm\x0d\x00\x01\x00\x07")},
		{module.Threads, raw(section(5, []byte{1, 3, 1, 1}))},
		{module.Threads, functions([]byte{0, 0xfe, 0x03, 0, 0x0b})},
		{module.Memory64, raw(section(5, []byte{1, 4, 1}))},
		{module.MultiMemory, raw(section(5, []byte{2, 0, 1, 0, 1}))},
		{module.PageSizes, raw(section(5, []byte{1, 8, 1, 0}))},
		{module.Exceptions, raw(section(13, []byte{1, 0, 0}))},
		{module.Exceptions, functions([]byte{0, 0x06, 0x40, 0x0b, 0x0b})},
		{module.TailCalls, functions([]byte{0, 0x12, 0, 0x0b})},
		{module.GC, raw(section(1, []byte{1, 0x5f, 0}))},
		{module.GC, functions([]byte{0, 0xfb, 0, 0x0b})},
		{module.RelaxedSIMD, functions([]byte{0, 0xfd, 0x80, 2, 0x0b})},
	} {
		m, err := module.Read(c.bytes)
		if err != nil || !slices.Contains(m.Unsupported, c.feature) {
			t.Errorf("%s: found %v, error %v", c.feature, m.Unsupported, err)
		}
	}
}
