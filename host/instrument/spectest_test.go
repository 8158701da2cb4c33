package instrument_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/host/instrument"
	"github.com/tlo-run/tlo/host/module"
)

// script is a test of the WebAssembly specification, as wast2json writes it.
type script struct {
	Commands []struct {
		Type, Name, Filename, As string
		Line                     int
		ModuleType               string `json:"module_type"`
		Action                   struct {
			Type, Field, Module string
			Args                []value
		}
	}
}

type value struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

// specification returns the folder of the runtime's copy of the tests.
func specification(t testing.TB) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest")
}

// TestSpecification runs the tests of WebAssembly 2.0, vectors included, that come
// with the runtime, each
// command once plain and once instrumented, and compares what happens.
func TestSpecification(t *testing.T) {
	root := specification(t)
	spectest, err := os.ReadFile(filepath.Join(root, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	files, err := filepath.Glob(filepath.Join(root, "v2", "testdata", "*.json"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			total += runScript(t, file, spectest)
		})
	}
	t.Log(total, "commands compared")
	if total < 40_000 {
		t.Errorf("only %d commands were compared", total)
	}
}

// world is one runtime with the instances of one script.
type world struct {
	runtime wazero.Runtime
	plain   bool
	named   map[string]*guest
	last    *guest
	all     []*guest // instances call each other, also those that nothing names
}

type guest struct {
	api.Module
	meter *instrument.Meter
}

func newWorld(t *testing.T, plain bool, spectest []byte) *world {
	t.Helper()
	w := &world{runtime: wazero.NewRuntime(t.Context()), plain: plain, named: map[string]*guest{}}
	t.Cleanup(func() { w.runtime.Close(context.Background()) })
	if _, err := w.runtime.InstantiateWithConfig(t.Context(), spectest, wazero.NewModuleConfig()); err != nil {
		t.Fatal(err)
	}
	return w
}

func runScript(t *testing.T, file string, spectest []byte) (compared int) {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s script
	if err := json.Unmarshal(content, &s); err != nil {
		t.Fatal(err)
	}
	worlds := []*world{newWorld(t, true, spectest), newWorld(t, false, spectest)}
	for i, c := range s.Commands {
		if c.ModuleType == "text" || c.Type == "register" {
			continue
		}
		var got [2]string
		for j, w := range worlds {
			switch c.Type {
			case "module", "assert_malformed", "assert_invalid", "assert_unlinkable", "assert_uninstantiable":
				b, err := os.ReadFile(filepath.Join(filepath.Dir(file), c.Filename))
				if err != nil {
					t.Fatal(err)
				}
				as := ""
				if next := i + 1; c.Type == "module" && next < len(s.Commands) && s.Commands[next].Type == "register" {
					as = s.Commands[next].As
				}
				g, err := w.instantiate(t.Context(), b, as)
				got[j] = fmt.Sprint(err == nil)
				if c.Type == "module" {
					w.last = g
					w.named[c.Name] = g
				}
			case "assert_return", "action", "assert_trap", "assert_exhaustion":
				g := w.last
				if c.Action.Module != "" {
					g = w.named[c.Action.Module]
				}
				if g == nil {
					got[j] = "no module"
					break
				}
				got[j] = w.do(t.Context(), g, c.Action.Type, c.Action.Field, c.Action.Args)
			default:
				t.Fatalf("line %d: unknown command %s", c.Line, c.Type)
			}
		}
		compared++
		if got[0] != got[1] {
			t.Errorf("line %d, %s %s: plain %s, instrumented %s", c.Line, c.Type, c.Action.Field, got[0], got[1])
		}
	}
	return compared
}

// instantiate does with data and a start function what the host does.
func (w *world) instantiate(ctx context.Context, b []byte, name string) (*guest, error) {
	config := wazero.NewModuleConfig().WithName(name).WithStartFunctions()
	if w.plain {
		instance, err := w.runtime.InstantiateWithConfig(ctx, b, config)
		return &guest{Module: instance}, err
	}
	m, err := module.Read(b)
	if e, ok := errors.AsType[*module.Error](err); ok && e.Fault != module.OverLimit {
		return nil, err
	}
	out, err := instrument.Rewrite(b, m)
	if err != nil {
		return nil, err
	}
	instance, err := w.runtime.InstantiateWithConfig(ctx, out.Wasm, config)
	if err != nil {
		return nil, err
	}
	g := &guest{instance, out.Meter(instance)}
	w.all = append(w.all, g)
	for _, s := range out.Data {
		if !instance.Memory().Write(s.Offset, s.Bytes) {
			instance.Close(ctx)
			return nil, fmt.Errorf("data outside memory")
		}
	}
	if out.Start != "" {
		g.meter.Start(0)
		if _, err := instance.ExportedFunction(out.Start).Call(ctx); err != nil {
			instance.Close(ctx)
			return nil, err
		}
	}
	return g, nil
}

func (w *world) do(ctx context.Context, g *guest, action, field string, args []value) string {
	if action == "get" {
		return fmt.Sprint(g.ExportedGlobal(field).Get())
	}
	for _, other := range w.all {
		other.meter.Start(0)
	}
	f := g.ExportedFunction(field)
	var stack []uint64
	for _, a := range args {
		stack = append(stack, a.encode()...)
	}
	results, err := f.Call(ctx, stack...)
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return line
	}
	return describe(f.Definition().ResultTypes(), results)
}

func describe(types []api.ValueType, results []uint64) string {
	var out []string
	for i, r := range results {
		switch {
		case len(types) == len(results) && types[i] == api.ValueTypeF32 && api.DecodeF32(r) != api.DecodeF32(r):
			out = append(out, "nan")
		case len(types) == len(results) && types[i] == api.ValueTypeF64 && math.IsNaN(api.DecodeF64(r)):
			out = append(out, "nan")
		case len(types) == len(results) && types[i] == 0x70: // a function, wherever it is
			out = append(out, fmt.Sprint(r != 0))
		default:
			out = append(out, strconv.FormatUint(r, 16))
		}
	}
	return strings.Join(out, " ")
}

// encode makes of a value what the runtime takes. A NaN needs no exact bits:
// both worlds get the same.
func (v value) encode() []uint64 {
	number := func(s string, bits int) uint64 {
		switch {
		case strings.HasPrefix(s, "nan") && bits == 64:
			return 0x7ff8000000000001
		case strings.HasPrefix(s, "nan"):
			return 0x7fc00001
		}
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	switch v.Type {
	case "v128":
		bits := map[string]int{"i8": 8, "i16": 16, "i32": 32, "f32": 32, "i64": 64, "f64": 64}[v.LaneType]
		var halves [2]uint64
		for i, lane := range v.Value.([]any) {
			at := i * bits
			halves[at/64] |= number(lane.(string), bits) << (at % 64)
		}
		return halves[:]
	case "externref":
		s, _ := v.Value.(string)
		if s == "null" || s == "" {
			return []uint64{0}
		}
		return []uint64{number(s, 64) + 1}
	case "funcref":
		return []uint64{0}
	}
	bits := 64
	if strings.HasSuffix(v.Type, "32") {
		bits = 32
	}
	return []uint64{number(v.Value.(string), bits)}
}
