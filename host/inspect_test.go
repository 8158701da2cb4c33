package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/hosttest"
)

// build makes a module.
func build(f func(b *hosttest.Builder)) []byte {
	b := &hosttest.Builder{}
	f(b)
	return b.Bytes()
}

// native makes a native plugin that exports these functions, which return 0.
func native(exports ...string) []byte {
	return build(func(b *hosttest.Builder) {
		for _, name := range exports {
			b.Func(name, hosttest.Type(":i"), hosttest.I32(0))
		}
	})
}

// declaring makes a native plugin that exports tlo_run and other, with that
// section tlo.tasks.
func declaring(section string) []byte {
	return build(func(b *hosttest.Builder) {
		b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
		b.Func("other", hosttest.Type(":i"), hosttest.I32(0))
		b.Custom("tlo.tasks", []byte(section))
	})
}

func importing(names ...string) []byte {
	return build(func(b *hosttest.Builder) {
		for _, name := range names {
			mod, name, _ := strings.Cut(name, "|")
			b.Import(mod, name, hosttest.Type(""))
		}
		b.Func("_start", hosttest.Type(""))
	})
}

func TestInspectAccepts(t *testing.T) {
	command := build(func(b *hosttest.Builder) {
		b.Import("wasi_snapshot_preview1", "proc_exit", hosttest.Type("i"))
		b.Import("tlo", "log", hosttest.Type("iii"))
		b.Memory(2, 3)
		b.Func("_start", hosttest.Type(""))
	})
	for name, c := range map[string]struct {
		path  string
		bytes []byte
		kind  host.Kind
		tasks string // name=export
	}{
		"command":            {"dir/Report_1.wasm", command, host.KindCommand, "report_1=_start"},
		"space":              {"Daily Report.WASM", command, host.KindCommand, "daily-report=_start"},
		"native":             {"a.wasm", native("tlo_run"), host.KindNative, "a=tlo_run"},
		"exports":            {"a.wasm", native("tlo_run_x", "tlo_run_y.z"), host.KindNative, "x=tlo_run_x y.z=tlo_run_y.z"},
		"exports before run": {"a.wasm", native("tlo_run", "tlo_run_x"), host.KindNative, "x=tlo_run_x"},
		"native over start": {"a.wasm", build(func(b *hosttest.Builder) {
			b.Func("_start", hosttest.Type(""))
			b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
		}), host.KindNative, "a=tlo_run"},
		"declared":       {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b"},{"name":"c","export":"other"}]}`), host.KindNative, "b=tlo_run c=other"},
		"unknown fields": {"a.wasm", declaring(`{"abi":1,"new":1,"tasks":[{"name":"b","new":2,"input_schema":null}]}`), host.KindNative, "b=tlo_run"},
		"declared export": {"a.wasm", build(func(b *hosttest.Builder) {
			b.Func("tlo_run_b", hosttest.Type(":i"), hosttest.I32(0))
			b.Custom("tlo.tasks", []byte(`{"abi":1,"tasks":[{"name":"b"}]}`))
		}), host.KindNative, "b=tlo_run_b"},
		"declared command": {"a.wasm", build(func(b *hosttest.Builder) {
			b.Func("_start", hosttest.Type(""))
			b.Custom("tlo.tasks", []byte(`{"abi":1,"tasks":[{"name":"b"}]}`))
		}), host.KindCommand, "b=_start"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := host.InspectBytes(c.path, c.bytes)
			if err != nil {
				t.Fatal(err)
			}
			var tasks []string
			for _, task := range p.Tasks {
				tasks = append(tasks, task.Name+"="+task.Export)
			}
			if p.Kind != c.kind || strings.Join(tasks, " ") != c.tasks {
				t.Errorf("%s with tasks %v", p.Kind, tasks)
			}
			if p.Size != int64(len(c.bytes)) || len(p.SHA256) != 64 {
				t.Errorf("size %d, hash %q", p.Size, p.SHA256)
			}
		})
	}
}

func TestInspectReadsDeclaration(t *testing.T) {
	p, err := host.InspectBytes("a.wasm", declaring(`{"abi":1,"tasks":[{"name":"resize","description":"Makes \"it\" small.",
		"input_schema":{"type":"object"},"timeout":"30s","memory":"64MiB","retry":{"attempts":2},"queue":"slow","priority":7,
		"schedule":"@daily","needs":["http:api.example.com","kv"],"warm":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d := p.Tasks[0].Declared
	if d.Description != `Makes "it" small.` || string(d.InputSchema) != `{"type":"object"}` || d.Timeout != 30e9 ||
		d.Memory != 64<<20 || string(d.Retry) != `{"attempts":2}` || d.Queue != "slow" || *d.Priority != 7 ||
		d.Schedule != "@daily" || !slices.Equal(d.Needs, []string{"http:api.example.com", "kv"}) || !d.Warm {
		t.Errorf("%+v", d)
	}
}

func TestInspectRefuses(t *testing.T) {
	many := make([]string, 60)
	for i := range many {
		many[i] = "other|f" + strings.Repeat("x", i)
	}
	memory := func(flags byte) []byte {
		return []byte{0, 'a', 's', 'm', 1, 0, 0, 0, 5, 4, 1, flags, 1, 2}
	}
	for name, c := range map[string]struct {
		path  string
		bytes []byte
		kind  host.Kind
		text  string
	}{
		"empty":           {"a.wasm", nil, "", "is empty; copy it again"},
		"cut":             {"a.wasm", []byte("\x00as"), "", "cut off after 3 bytes"},
		"cut later":       {"a.wasm", native("tlo_run")[:20], "", "cut off or broken"},
		"text":            {"a.wasm", []byte("\n (module)"), "", "as text; assemble it with wat2wasm"},
		"elf":             {"a.wasm", []byte("\x7fELF\x02\x01\x01"), "", "a program for this kind of machine"},
		"other":           {"a.wasm", []byte("<html>"), "", "not a WebAssembly module"},
		"component":       {"a.wasm", []byte("\x00asm\x0d\x00\x01\x00"), host.KindComponent, "is a component"},
		"threads":         {"a.wasm", memory(3), "", "threads"},
		"memory64":        {"a.wasm", memory(5), "", "64-bit memory"},
		"extism":          {"a.wasm", importing("extism:host/env|input_length", "other|x"), host.KindExtism, "Extism plugins are not supported yet"},
		"emscripten":      {"a.wasm", importing("env|emscripten_resize_heap"), host.KindEmscripten, "Emscripten"},
		"wasm-bindgen":    {"a.wasm", importing("__wbindgen_placeholder__|x"), host.KindWasmBindgen, "wasm-bindgen"},
		"go js":           {"a.wasm", importing("gojs|runtime.wasmExit"), host.KindGoJS, "GOOS=wasip1"},
		"wasi threads":    {"a.wasm", importing("wasi|thread-spawn"), "", "threads"},
		"wasi preview 0":  {"a.wasm", importing("wasi_unstable|fd_write"), "", "wasi_snapshot_preview1"},
		"assemblyscript":  {"a.wasm", importing("env|abort"), "", "--use abort="},
		"missing":         {"a.wasm", importing("env|b", "env|a", "tlo|nothing"), "", "env.b, env.a, tlo.nothing;"},
		"many missing":    {"a.wasm", importing(many...), "", "and 10 more"},
		"reserved":        {"a.wasm", importing("tlo|http"), "", "tlo.http is not available in this version"},
		"wrong type":      {"a.wasm", importing("tlo|log"), "", "tlo.log is of type (i32, i32, i32) -> (), not () -> ()"},
		"hostile name":    {"a.wasm", importing("env|\x1b[2J"), "", `env."\x1b[2J"`},
		"no entry":        {"a.wasm", native("main"), "", "no entry point"},
		"nothing":         {"a.wasm", build(func(*hosttest.Builder) {}), "", "no entry point"},
		"start type":      {"a.wasm", native("_start"), "", "_start is of type () -> i32; give it the type () -> ()"},
		"run type":        {"a.wasm", build(func(b *hosttest.Builder) { b.Func("tlo_run", hosttest.Type("")) }), "", "give it the type () -> i32"},
		"initialize type": {"a.wasm", native("tlo_run", "_initialize"), "", "_initialize is of type"},
		"task name":       {"a.wasm", native("tlo_run_Big"), host.KindNative, "tlo_run_Big names no task"},
		"file name":       {"звіт.wasm", native("tlo_run"), "", "rename the file"},
		"long file name":  {strings.Repeat("a", 65) + ".wasm", native("tlo_run"), "", "rename the file"},
		"bad json":        {"a.wasm", declaring(`{`), host.KindNative, "section tlo.tasks is wrong"},
		"abi":             {"a.wasm", declaring(`{"abi":2,"tasks":[{"name":"b"}]}`), host.KindNative, "its abi is 2; known is 1"},
		"no tasks":        {"a.wasm", declaring(`{"abi":1}`), host.KindNative, "declares 0 tasks"},
		"task twice":      {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b"},{"name":"b"}]}`), host.KindNative, "declared twice"},
		"declared name":   {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"B"}]}`), host.KindNative, "a name has"},
		"absent export":   {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","export":"c"}]}`), host.KindNative, `its export "c"`},
		"timeout":         {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","timeout":"soon"}]}`), host.KindNative, `"soon" is no duration`},
		"memory":          {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","memory":"64 MB"}]}`), host.KindNative, `"64 MB" is no size`},
		"priority":        {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","priority":10}]}`), host.KindNative, "priority is 10"},
		"schema":          {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","input_schema":[]}]}`), host.KindNative, "schema"},
		"retry":           {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","retry":3}]}`), host.KindNative, "retry is an object"},
		"queue":           {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","queue":"Q"}]}`), host.KindNative, "queue"},
		"deep":            {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b","input_schema":` + strings.Repeat(`{"a":`, 15) + "1" + strings.Repeat("}", 15) + `}]}`), host.KindNative, "nested deeper than 16"},
		"big section":     {"a.wasm", declaring(`{"abi":1,"tasks":[{"name":"b"}]}` + strings.Repeat(" ", 256<<10)), host.KindNative, "262176 bytes"},
		"two sections": {"a.wasm", build(func(b *hosttest.Builder) {
			b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
			for range 2 {
				b.Custom("tlo.tasks", []byte(`{"abi":1,"tasks":[{"name":"b"}]}`))
			}
		}), host.KindNative, "two sections"},
		"compile bomb": {"a.wasm", build(func(b *hosttest.Builder) {
			b.FuncLocals("tlo_run", hosttest.Type(":i"), 1<<31, hosttest.I32(0))
		}), "", "2147483648 locals; the limit is 50000"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := host.InspectBytes(c.path, c.bytes)
			r, ok := errors.AsType[*host.Refusal](err)
			if !ok {
				t.Fatalf("not refused: %v", err)
			}
			if r.Kind != c.kind || p.Kind != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q: %v", r.Kind, err)
			}
			if r.Path != c.path || r.Reason == "" || r.Remedy == "" || strings.HasSuffix(err.Error(), ".") {
				t.Errorf("incomplete: %+v", r)
			}
		})
	}
}

func TestInspectListsAllMissing(t *testing.T) {
	_, err := host.InspectBytes("a.wasm", build(func(b *hosttest.Builder) {
		b.Import("env", "a", hosttest.Type(""))
		b.Import("tlo", "kv_get", hosttest.Type("iiii:i"))
		b.Import("tlo", "input_len", hosttest.Type(":i"))
		b.Func("_start", hosttest.Type(""))
	}))
	r, ok := errors.AsType[*host.Refusal](err)
	if !ok || !slices.Equal(r.Missing, []string{"env.a", "tlo.kv_get is not available in this version"}) {
		t.Errorf("missing %v, error %v", r.Missing, err)
	}
}

func TestInspectFile(t *testing.T) {
	dir := t.TempDir()
	p, err := host.Inspect(write(t, dir, "a.wasm", native("tlo_run")))
	if err != nil || p.Tasks[0].Name != "a" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := host.Inspect(filepath.Join(dir, "none.wasm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := host.Inspect(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("directory: %v", err)
	}
	big := filepath.Join(dir, "big.wasm")
	f, err := os.Create(big)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(host.MaxFile + 1); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Inspect(big); err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("big file: %v", err)
	}
}

func TestScan(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, one, "b.wasm", native("tlo_run"))
	write(t, one, "a.wasm", []byte("not a module"))
	write(t, one, "c.txt", nil)
	write(t, one, ".hidden.wasm", nil)
	write(t, two, "z.wasm", native("tlo_run_b", "tlo_run_q"))
	write(t, two, "zz.wasm", native("tlo_run_q"))
	if err := os.Symlink(filepath.Join(one, "b.wasm"), filepath.Join(two, "link.wasm")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(two, "dangling.wasm")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(two, "dir.wasm"), 0o700); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(one, "none")
	plugins, err := host.Scan(one, none, two)
	if err == nil || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), none) || !strings.Contains(err.Error(), "create it") {
		t.Errorf("missing folder: %v", err)
	}
	var got []string
	for _, p := range plugins {
		state := "ok"
		if p.Err != nil {
			state = "refused"
		}
		got = append(got, filepath.Base(p.Path)+" "+state)
	}
	want := []string{"a.wasm refused", "b.wasm ok", "dangling.wasm refused", "link.wasm ok", "z.wasm refused", "zz.wasm ok"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	clash := plugins[4].Err.Error()
	if !strings.Contains(clash, filepath.Join(one, "b.wasm")) || !strings.Contains(clash, filepath.Join(two, "z.wasm")) {
		t.Errorf("clash does not name both files: %v", clash)
	}
}

func TestAllOfTloCanBeImported(t *testing.T) {
	p, err := host.InspectBytes("a.wasm", build(func(b *hosttest.Builder) {
		for _, f := range abi.Functions {
			b.Import(abi.Module, f.Name, f.Type())
		}
		b.Func("tlo_run", hosttest.Type(":i"), hosttest.I32(0))
	}))
	if err != nil || len(p.Imports) != len(abi.Functions) {
		t.Errorf("imports %v, error %v", p.Imports, err)
	}
}

func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
