package abi_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/abi"
	"github.com/tlo-run/tlo/host/hosttest"
	"github.com/tlo-run/tlo/host/module"
)

// garbage is what the upper halves of 32-bit parameters hold.
const garbage = 0xdeadbeef_00000000

// guest is a module that passes calls on to the host.
type guest struct {
	t       *testing.T
	ctx     context.Context
	mod     api.Module
	attempt *abi.Attempt
	log     *hosttest.Recorder
}

func newGuest(t *testing.T, ctx context.Context, pages int64) *guest {
	t.Helper()
	runtime := wazero.NewRuntime(ctx)
	t.Cleanup(func() { runtime.Close(context.WithoutCancel(ctx)) })
	if err := abi.Instantiate(ctx, runtime); err != nil {
		t.Fatal(err)
	}
	mod, err := hosttest.Proxy(ctx, runtime, pages)
	if err != nil {
		t.Fatal(err)
	}
	task := engine.TaskDef{
		Name:   "resize",
		Config: map[string]string{"size": "640x480", "empty": ""},
		Limits: engine.Limits{Output: 10},
	}
	job := engine.Job{
		ID: "job-1", Attempt: 3, Queue: "slow", Input: []byte("hello, guest"),
		RunAt: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC),
	}
	g := &guest{t: t, mod: mod, log: &hosttest.Recorder{}}
	g.attempt = abi.NewAttempt(ctx, task, "resize", job, g.log, pages > 0)
	g.ctx = abi.With(context.WithoutCancel(ctx), g.attempt)
	return g
}

// call calls a function with garbage in the upper half of its 32-bit parameters.
func (g *guest) call(name string, params ...uint64) (uint64, error) {
	i := slices.IndexFunc(abi.Functions, func(f *abi.Function) bool { return f.Name == name })
	f := abi.Functions[i]
	stack := make([]uint64, max(len(params), 1))
	for i, p := range params {
		if f.Params[i] == module.I32 {
			p = p&math.MaxUint32 | garbage
		}
		stack[i] = p
	}
	err := g.mod.ExportedFunction(name).CallWithStack(g.ctx, stack)
	switch {
	case len(f.Results) == 0:
		return 0, err
	case f.Results[0] == module.I32:
		return uint64(uint32(stack[0])), err
	}
	return stack[0], err
}

func (g *guest) must(name string, params ...uint64) uint64 {
	g.t.Helper()
	v, err := g.call(name, params...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", name, params, err)
	}
	return v
}

func (g *guest) write(ptr uint32, s string) (uint64, uint64) {
	g.t.Helper()
	if !g.mod.Memory().WriteString(ptr, s) {
		g.t.Fatalf("write %d bytes at %d", len(s), ptr)
	}
	return uint64(ptr), uint64(len(s))
}

func (g *guest) read(ptr, n uint32) string {
	b, ok := g.mod.Memory().Read(ptr, n)
	if !ok {
		g.t.Fatalf("read %d bytes at %d", n, ptr)
	}
	return string(b)
}

const notFound, tooBig = math.MaxUint32, math.MaxUint32 - 2

func TestInput(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	if n := g.must("input_len"); n != 12 {
		t.Errorf("input_len is %d", n)
	}
	for _, c := range []struct {
		ptr, length, off, want uint64
		memory                 string
	}{
		{0, 5, 0, 5, "hello....."},
		{2, 5, 7, 5, "..guest..."},
		{0, 8, 7, 5, "guest....."},
		{0, 5, 12, 0, ".........."},
		{0, 5, math.MaxUint32, 0, ".........."},
		{0, 0, 0, 0, ".........."},
		{65536, 0, 0, 0, ".........."},
	} {
		g.write(0, "..........")
		if n := g.must("input_read", c.ptr, c.length, c.off); n != c.want {
			t.Errorf("input_read(%d, %d, %d) is %d, not %d", c.ptr, c.length, c.off, n, c.want)
		}
		if got := g.read(0, 10); got != c.memory {
			t.Errorf("input_read(%d, %d, %d) left %q, not %q", c.ptr, c.length, c.off, got, c.memory)
		}
	}
}

func TestOutputKeepsItsLimit(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	if _, wrote := g.attempt.Output(); wrote {
		t.Error("wrote before writing")
	}
	ptr, n := g.write(100, "12345678")
	if v := g.must("output_write", ptr, n); v != 0 {
		t.Errorf("first write is %d", v)
	}
	if v := g.must("output_write", ptr, n); v != tooBig {
		t.Errorf("write over the limit is %#x", v)
	}
	if v := g.must("output_write", ptr, 2); v != 0 {
		t.Errorf("last write is %d", v)
	}
	g.write(100, "xxxxxxxx")
	if out, wrote := g.attempt.Output(); string(out) != "1234567812" || !wrote {
		t.Errorf("output is %q", out)
	}
}

func TestLog(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	ptr, n := g.write(0, "one\xfftwo")
	for _, level := range []uint64{0, 1, 2, 3, 4, 5, math.MaxUint32} {
		g.must("log", level, ptr, n)
	}
	long, longN := g.write(1000, strings.Repeat("x", abi.MaxText+1))
	g.must("log", 2, long, longN)
	kv := func(json string) {
		t.Helper()
		p, l := g.write(20000, json)
		g.must("log_kv", 2, ptr, 3, p, l)
	}
	kv(`{"b": "text", "a": {"x": [1, 2]}, "n": 1.50, "z": null}`)
	kv(`{}`)
	kv(`[1]`)
	kv(`{"a":`)
	kv(`{"a":"` + strings.Repeat("x", 17<<10) + `"}`)
	lines := g.log.Lines()
	want := []string{
		`trace "one` + "\uFFFD" + `two"`, `debug "one` + "\uFFFD" + `two"`, `info "one` + "\uFFFD" + `two"`,
		`warn "one` + "\uFFFD" + `two"`, `error "one` + "\uFFFD" + `two"`,
		`error "one` + "\uFFFD" + `two"`, `trace "one` + "\uFFFD" + `two"`,
		`info "` + strings.Repeat("x", abi.MaxText-3) + `…"`,
		`info "one" a="{\"x\":[1,2]}" b="text" n="1.50" z="null"`,
		`info "one"`,
		`info "one" invalid_fields="[1]"`,
		`info "one" invalid_fields="{\"a\":"`,
		`info "one" invalid_fields="{\"a\":\"` + strings.Repeat("x", 1024-3-6) + `…"`,
	}
	for i := range max(len(lines), len(want)) {
		if i >= len(lines) || i >= len(want) || lines[i] != want[i] {
			t.Fatalf("line %d:\n got %q\nwant %q", i, lines[min(i, len(lines)-1)], want[min(i, len(want)-1)])
		}
	}
}

func TestProgress(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	for _, f := range []float64{0.5, -1, 2, math.Inf(1), math.NaN()} {
		g.must("progress", api.EncodeF64(f))
	}
	ptr, n := g.write(0, "half")
	g.must("progress_msg", api.EncodeF64(0.5), ptr, n)
	g.must("progress_msg", api.EncodeF64(math.NaN()), ptr, n)
	want := "progress 0.5 \"\"\nprogress 0 \"\"\nprogress 1 \"\"\nprogress 1 \"\"\nprogress 0.5 \"half\""
	if got := g.log.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStop(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	g := newGuest(t, ctx, 1)
	if v := g.must("cancelled"); v != 0 {
		t.Errorf("cancelled is %d", v)
	}
	if ms := int64(g.must("deadline_ms")); ms <= 0 || ms > time.Hour.Milliseconds() {
		t.Errorf("deadline_ms is %d", ms)
	}
	cancel()
	if v := g.must("cancelled"); v != 1 {
		t.Errorf("cancelled is %d after it was", v)
	}
}

func TestNoDeadline(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	if ms := int64(g.must("deadline_ms")); ms != -1 {
		t.Errorf("deadline_ms is %d", ms)
	}
}

func TestMetaAndConfig(t *testing.T) {
	g := newGuest(t, t.Context(), 1)
	for _, c := range []struct {
		function, key string
		capacity      uint64
		want          uint64
		memory        string
	}{
		{"meta", "job_id", 8, 5, "job-1..."},
		{"meta", "attempt", 8, 1, "3......."},
		{"meta", "task", 8, 6, "resize.."},
		{"meta", "queue", 2, 4, "sl......"},
		{"meta", "scheduled_at", 4, 20, "2026...."},
		{"meta", "idempotency_key", 8, 5, "job-1..."},
		{"meta", "tick", 8, notFound, "........"},
		{"meta", "password", 8, notFound, "........"},
		{"meta", "", 8, notFound, "........"},
		{"config", "size", 8, 7, "640x480."},
		{"config", "size", 0, 7, "........"},
		{"config", "empty", 8, 0, "........"},
		{"config", "none", 8, notFound, "........"},
	} {
		g.write(200, "........")
		ptr, n := g.write(100, c.key)
		if v := g.must(c.function, ptr, n, 200, c.capacity); v != c.want {
			t.Errorf("%s(%s) is %d, not %d", c.function, c.key, v, c.want)
		}
		if got := g.read(200, 8); got != c.memory {
			t.Errorf("%s(%s) left %q, not %q", c.function, c.key, got, c.memory)
		}
	}
}

func TestRandom(t *testing.T) {
	g := newGuest(t, t.Context(), 2)
	g.must("random", 0, 32)
	g.must("random", 32, 32)
	first, second := g.read(0, 32), g.read(32, 32)
	if first == second || first == strings.Repeat("\x00", 32) {
		t.Errorf("not random: %x and %x", first, second)
	}
	if rest := g.read(64, 1024); rest != strings.Repeat("\x00", 1024) {
		t.Error("random wrote past its range")
	}
	if _, err := g.call("random", 0, 64<<10+1); err == nil || !strings.Contains(err.Error(), "at most 65536") {
		t.Errorf("too many random bytes: %v", err)
	}
}

func TestVerdicts(t *testing.T) {
	failWith := func(kind uint64) func(*guest) {
		return func(g *guest) {
			ptr, n := g.write(0, "bad \xffinput")
			g.must("fail", kind, ptr, n)
		}
	}
	snooze := func(ms int64) func(*guest) {
		return func(g *guest) { g.must("snooze", uint64(ms)) }
	}
	const text = "bad \uFFFDinput"
	for name, c := range map[string]struct {
		calls []func(*guest)
		end   abi.End
		text  string
		delay time.Duration
	}{
		"nothing":         {nil, abi.Silent, "", 0},
		"retry":           {[]func(*guest){failWith(0)}, abi.Failed, text, 0},
		"never":           {[]func(*guest){failWith(1)}, abi.Refused, text, 0},
		"unknown kind":    {[]func(*guest){failWith(77)}, abi.Failed, text, 0},
		"snooze by fail":  {[]func(*guest){failWith(2)}, abi.Snoozed, text, time.Second},
		"snooze":          {[]func(*guest){snooze(1500)}, abi.Snoozed, "", 1500 * time.Millisecond},
		"both":            {[]func(*guest){failWith(2), snooze(20)}, abi.Snoozed, text, 20 * time.Millisecond},
		"both, reversed":  {[]func(*guest){snooze(20), failWith(2)}, abi.Snoozed, text, 20 * time.Millisecond},
		"negative":        {[]func(*guest){snooze(-5)}, abi.Snoozed, "", 0},
		"for ever":        {[]func(*guest){snooze(math.MaxInt64)}, abi.Snoozed, "", 366 * 24 * time.Hour},
		"the last counts": {[]func(*guest){snooze(5), failWith(1)}, abi.Refused, text, 5 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, t.Context(), 1)
			for _, f := range c.calls {
				f(g)
			}
			end, text, delay := g.attempt.End()
			if end != c.end || text != c.text || delay != c.delay {
				t.Errorf("got %v %q %v, want %v %q %v", end, text, delay, c.end, c.text, c.delay)
			}
		})
	}
}

// TestBadPointers calls every function with every pointer out of range.
func TestBadPointers(t *testing.T) {
	for _, f := range abi.Functions {
		for i, name := range f.ParamNames {
			if name != "ptr" && name != "buf" && !strings.HasSuffix(name, "_ptr") {
				continue
			}
			for _, bad := range [][2]uint64{
				{65536, 1}, {65535, 2}, {math.MaxUint32, 1}, {math.MaxUint32, math.MaxUint32}, {1, math.MaxUint32}, {0, 65537},
			} {
				g := newGuest(t, t.Context(), 1)
				before := g.read(0, 65536)
				params := make([]uint64, len(f.Params))
				params[i], params[i+1] = bad[0], bad[1]
				_, err := g.call(f.Name, params...)
				if err == nil || !strings.Contains(err.Error(), "tlo."+f.Name+":") || !strings.Contains(err.Error(), "outside") {
					t.Errorf("%s with %s %#x, length %#x: %v", f.Name, name, bad[0], bad[1], err)
				}
				if g.log.String() != "" || !bytes.Equal([]byte(before), []byte(g.read(0, 65536))) {
					t.Errorf("%s did something before it trapped", f.Name)
				}
			}
		}
	}
}

func TestNoMemory(t *testing.T) {
	g := newGuest(t, t.Context(), 0)
	for _, f := range abi.Functions {
		pointers := strings.Contains(strings.Join(f.ParamNames, " "), "ptr")
		_, err := g.call(f.Name, make([]uint64, len(f.Params))...)
		if pointers && (err == nil || !strings.Contains(err.Error(), "no memory")) {
			t.Errorf("%s: %v", f.Name, err)
		}
		if !pointers && err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestEveryFunctionNamesItsParameters(t *testing.T) {
	for _, f := range abi.Functions {
		if len(f.Params) != len(f.ParamNames) {
			t.Errorf("%s has %d parameters and %d names", f.Name, len(f.Params), len(f.ParamNames))
		}
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 8, ""},
		{"12345678", 8, "12345678"},
		{"123456789", 8, "12345…"},
		{"1234\u00e9\u00e9\u00e9", 8, "1234…"},
		{strings.Repeat("\xff", 100), 8, "\uFFFD…"},
		{"a\xffb\xffc\xff", 8, "a\uFFFDb…"},
	} {
		if got := abi.Text([]byte(c.in), c.limit); got != c.want {
			t.Errorf("Text(%q, %d) is %q, not %q", c.in, c.limit, got, c.want)
		}
	}
}
