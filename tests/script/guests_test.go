package script_test

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlo-run/tlo/host/hosttest"
	"github.com/tlo-run/tlo/host/module"
	"github.com/tlo-run/tlo/tests/guests"
)

// Where the guests below keep what they read, and how much.
const (
	buffer = 1024
	room   = 60_000
)

// handmade are guests that are small, so that a script costs no compile time.
var handmade = map[string]func() []byte{
	// echo logs its input and returns it.
	"echo": func() []byte { return echo().Bytes() },
	// typed is echo with an input schema.
	"typed": func() []byte {
		return declare(`{"name":"typed","description":"takes JSON","input_schema":{"type":"object"},"needs":["kv"]}`)
	},
	// pair defines two tasks.
	"pair": func() []byte { return declare(`{"name":"left","timeout":"5s"},{"name":"right","priority":9}`) },
	// refuse fails for good, and fail by the retry policy, with the input as the message.
	"refuse": func() []byte { return failing(1) },
	"fail":   func() []byte { return failing(0) },
	// third fails until its third attempt.
	"third": third,
	// endless logs, says that it is half done, and never ends.
	"endless": endless,
	// What tlo does not run.
	"component":  func() []byte { return []byte("\x00asm\x0d\x00\x01\x00") },
	"emscripten": func() []byte { return importing("env", "emscripten_notify_memory_growth") },
	"foreign":    func() []byte { return importing("wasi_unstable", "fd_write") },
	"truncated":  func() []byte { b := echo().Bytes(); return b[:len(b)/2] },
	"elf":        func() []byte { return []byte("\x7fELF\x02\x01\x01\x00") },
	"text":       func() []byte { return []byte("not a module\n") },
	"empty":      func() []byte { return nil },
}

// tlo imports a function of the host.
func tlo(b *hosttest.Builder, name, letters string) uint32 {
	return b.Import("tlo", name, hosttest.Type(letters))
}

// read pushes the length of the input, which it copies to the buffer.
func read(b *hosttest.Builder) []byte {
	return hosttest.Call(tlo(b, "input_read", "iii:i"), hosttest.I32(buffer), hosttest.I32(room), hosttest.I32(0))
}

// runs exports what runs the task and returns the module.
func runs(b *hosttest.Builder, code ...[]byte) *hosttest.Builder {
	b.Memory(2, 2)
	b.Func("tlo_run", hosttest.Type(":i"), hosttest.Code(code...))
	return b
}

const length = buffer - 4 // where the input's length is kept

func echo() *hosttest.Builder {
	b := new(hosttest.Builder)
	input := read(b)
	log, write := tlo(b, "log", "iii"), tlo(b, "output_write", "ii:i")
	return runs(b,
		hosttest.Store(length, input),
		hosttest.Call(log, hosttest.I32(2), hosttest.I32(buffer), hosttest.Load(length)),
		hosttest.Call(write, hosttest.I32(buffer), hosttest.Load(length)))
}

func declare(tasks string) []byte {
	b := echo()
	b.Custom("tlo.tasks", []byte(`{"abi":1,"tasks":[`+tasks+`]}`))
	return b.Bytes()
}

func failing(kind int32) []byte {
	b := new(hosttest.Builder)
	input := read(b)
	fail := tlo(b, "fail", "iii")
	return runs(b, hosttest.Store(length, input),
		hosttest.Call(fail, hosttest.I32(kind), hosttest.I32(buffer), hosttest.Load(length)), hosttest.I32(0)).Bytes()
}

func third() []byte {
	b := new(hosttest.Builder)
	meta, write := tlo(b, "meta", "iiii:i"), tlo(b, "output_write", "ii:i")
	b.Data(0, []byte("attempt"))
	return runs(b,
		hosttest.Drop(hosttest.Call(meta, hosttest.I32(0), hosttest.I32(7), hosttest.I32(buffer), hosttest.I32(8))),
		hosttest.Drop(hosttest.Call(write, hosttest.I32(buffer), hosttest.I32(1))),
		hosttest.Load(buffer), hosttest.I32('3'), []byte{0x47}).Bytes() // i32.ne
}

func endless() []byte {
	b := new(hosttest.Builder)
	log, progress := tlo(b, "log", "iii"), tlo(b, "progress_msg", "dii")
	b.Data(0, []byte("off it goes"))
	b.Data(16, []byte("half way"))
	return runs(b,
		hosttest.Call(progress, hosttest.F64(0.5), hosttest.I32(16), hosttest.I32(8)),
		hosttest.Call(log, hosttest.I32(2), hosttest.I32(0), hosttest.I32(11)),
		hosttest.Loop(), hosttest.I32(0)).Bytes()
}

func importing(mod, name string) []byte {
	b := new(hosttest.Builder)
	b.Import(mod, name, module.Func(nil, nil))
	return runs(b, hosttest.I32(0)).Bytes()
}

// placeGuests is the command guest NAME...: puts guests into ./plugins.
func placeGuests(ts *testscript.TestScript, _ bool, names []string) {
	dir := ts.MkAbs("plugins")
	ts.Check(os.MkdirAll(dir, 0o700))
	for _, name := range names {
		file := filepath.Join(dir, name+".wasm")
		if build := handmade[name]; build != nil {
			ts.Check(os.WriteFile(file, build(), 0o600))
			continue
		}
		committed := filepath.Join(guests.Root(), "plugins", "examples", name, name+".wasm")
		ts.Check(os.Symlink(committed, file))
	}
}
