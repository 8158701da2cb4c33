package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

// goPlugin is testdata/digest, built with the SDK.
var goPlugin = sync.OnceValues(func() ([]byte, error) {
	out := filepath.Join(shared, "digest.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "./testdata/digest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if message, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the plugin: %w\n%s", err, message)
	}
	return os.ReadFile(out)
})

// warmBench is a bench of a real plugin, "go" or "c".
func warmBench(t testing.TB, language string, o host.Options) *bench {
	t.Helper()
	plugin, err := os.ReadFile("testdata/c/guest.wasm")
	if language == "go" {
		plugin, err = goPlugin()
	}
	if err != nil {
		t.Fatal(err)
	}
	o.CacheDir = filepath.Join(shared, "cache")
	h, err := host.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(path, plugin, 0o600); err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, host: h, log: &hosttest.Recorder{},
		task: engine.TaskDef{Name: "test", Plugin: path},
		job:  engine.Job{ID: "job-1", Task: "test", Attempt: 1}}
}

// does runs a task of the plugin and returns what it said.
func (b *bench) does(task, input string) string {
	b.t.Helper()
	d, job := b.task, b.job
	d.Name, d.Export, job.Input = task, task, []byte(input)
	res, err := b.host.Execute(b.t.Context(), d, job, b.log)
	if err != nil {
		b.t.Fatalf("task %s: %v", task, err)
	}
	return string(res.Output)
}

// TestSecretsDoNotSurvive plants a secret fifty times, in all of a guest's
// memory, and finds nothing of it afterwards: not the next attempt, and not the
// host, which compares all bytes.
func TestSecretsDoNotSurvive(t *testing.T) {
	for language, inputs := range map[string]func(n int) string{
		"c": func(n int) string {
			if n%3 == 0 {
				return fmt.Sprintf("grown secret %d", n)
			}
			return fmt.Sprintf("secret %d", n)
		},
		"go": func(n int) string {
			return fmt.Sprintf(`{"secret": "secret %d", "grow": %d}`, n, n%3/2*30<<20)
		},
	} {
		t.Run(language, func(t *testing.T) {
			b := warmBench(t, language, host.Options{})
			nothing := b.does("keep", inputs(1))
			waited := 0
			for n := range 50 {
				if got := b.does("keep", inputs(n)); got != nothing {
					t.Fatalf("attempt %d finds %s, the first found %s", n, got, nothing)
				}
				for _, idle := range b.host.IdleOf(b.task.Plugin) {
					waited++
					if !idle.Pristine {
						t.Fatalf("attempt %d left something in memory or globals", n)
					}
				}
			}
			if waited < 30 {
				t.Errorf("only %d guests were kept", waited)
			}
		})
	}
}

// TestWarmEqualsFresh gives random inputs to a guest that is kept, to guests
// that start from an image each, and to the same function in this process.
func TestWarmEqualsFresh(t *testing.T) {
	const seed, rounds = 7, 1000
	random := rand.New(rand.NewPCG(seed, 0))
	for _, language := range []string{"c", "go"} {
		t.Run(language, func(t *testing.T) {
			warm := warmBench(t, language, host.Options{})
			fresh := warmBench(t, language, host.Options{Idle: -1})
			for range rounds {
				input, want := digestInput(random, language)
				for name, b := range map[string]*bench{"warm": warm, "fresh": fresh} {
					if got := b.does("digest", input); got != want {
						t.Fatalf("%s: %s gives %s, want %s", name, input, got, want)
					}
				}
			}
		})
	}
}

// digestInput returns a random input of task digest and what it should give.
func digestInput(random *rand.Rand, language string) (input, want string) {
	values := make([]int, random.IntN(40))
	sum, largest := 0, 0
	for i := range values {
		values[i] = random.IntN(1 << (1 + random.IntN(20)))
		sum += values[i]
		largest = max(largest, values[i])
	}
	list, _ := json.Marshal(values)
	if language == "c" {
		h := uint32(2166136261)
		for range 10 {
			for _, c := range list {
				h = (h ^ uint32(c)) * 16777619
			}
		}
		return string(list), fmt.Sprintf("%d,%d,%d", sum, largest, h)
	}
	h := fnv.New64a()
	for range 1000 / len(list) {
		h.Write(list)
	}
	id := fmt.Sprint(random.Uint32())
	return fmt.Sprintf(`{"id":%q,"values":%s}`, id, list),
		fmt.Sprintf(`{"id":%q,"sum":%d,"max":%d,"hash":%d}`, id, sum, largest, h.Sum64())
}

// TestFuelOfWarmStarts is the same whether a guest is new or kept.
func TestFuelOfWarmStarts(t *testing.T) {
	for _, language := range []string{"c", "go"} {
		b := warmBench(t, language, host.Options{})
		used := map[uint64]int{}
		for range 6 {
			d, job := b.task, b.job
			d.Name, d.Export, job.Input = "digest", "digest", []byte(`{"id":"a","values":[1,2,3]}`)
			res, err := b.host.Execute(t.Context(), d, job, b.log)
			if err != nil {
				t.Fatal(err)
			}
			used[res.Fuel]++
		}
		if len(used) != 1 {
			t.Errorf("%s used %v", language, used)
		}
	}
}

func TestImagesAreRenewed(t *testing.T) {
	for name, o := range map[string]host.Options{
		"attempts": {ImageAttempts: 2},
		"age":      {ImageAge: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			// What the guest draws when it starts tells its images apart.
			b := newBench(t, build(func(b *hosttest.Builder) {
				draw := b.Import("tlo", "random", hosttest.Type("ii"))
				write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
				b.Memory(1, -1)
				b.Func("_initialize", hosttest.Type(""), hosttest.Call(draw, hosttest.I32(0), hosttest.I32(16)))
				b.Func("tlo_run", hosttest.Type(":i"), hosttest.Call(write, hosttest.I32(0), hosttest.I32(16)))
			}))
			b.host = newHost(t, o)
			drawn := map[string]bool{}
			for range 6 {
				out, err := b.run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				drawn[out] = true
			}
			if len(drawn) < 3 || o.ImageAttempts > 0 && len(drawn) > 3 {
				t.Errorf("%d images in 6 attempts", len(drawn))
			}
		})
	}
}

// TestGuestsThatAreNotKept leaves each attempt nothing of the one before, where
// an image cannot help.
func TestGuestsThatAreNotKept(t *testing.T) {
	counting := func(more func(b *hosttest.Builder) []byte) []byte {
		return build(func(b *hosttest.Builder) {
			write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
			b.Import("wasi_snapshot_preview1", "fd_close", hosttest.Type("i:i")) // function 1
			b.Memory(1, -1)
			b.Func("tlo_run", hosttest.Type(":i"),
				hosttest.Store(0, hosttest.Code(hosttest.Load(0), hosttest.I32(1), []byte{0x6a})),
				more(b),
				hosttest.Call(write, hosttest.I32(0), hosttest.I32(4)))
		})
	}
	for name, plugin := range map[string][]byte{
		"grows":         counting(func(*hosttest.Builder) []byte { return hosttest.Drop(hosttest.Grow(1)) }),
		"closes a file": counting(func(*hosttest.Builder) []byte { return hosttest.Drop(hosttest.Call(1, hosttest.I32(2))) }),
		"writes tables": counting(func(b *hosttest.Builder) []byte {
			b.Table(1, 1)
			return []byte{0x41, 0, 0xd0, 0x70, 0x26, 0} // table.set 0 (ref.null func)
		}),
		"traps": counting(func(*hosttest.Builder) []byte { return hosttest.Unreachable() }),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, plugin)
			for range 5 {
				if out, err := b.run(t.Context()); err == nil && out != "\x01\x00\x00\x00" {
					t.Fatalf("counted to %x", out)
				} else if (err != nil) != (name == "traps") {
					t.Fatal(err)
				}
				if idle := b.host.IdleOf(b.task.Plugin); len(idle) > 0 {
					t.Errorf("%d guests wait", len(idle))
				}
			}
		})
	}
}

// TestInitialisationThatAsks runs anew for each attempt, because the image would
// hold the answers of the first.
func TestInitialisationThatAsks(t *testing.T) {
	b := newBench(t, build(func(b *hosttest.Builder) {
		read := b.Import("tlo", "input_read", hosttest.Type("iii:i"))
		write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
		b.Memory(1, -1)
		b.Func("_initialize", hosttest.Type(""), hosttest.Drop(hosttest.Call(read, hosttest.I32(0), hosttest.I32(1), hosttest.I32(0))))
		b.Func("tlo_run", hosttest.Type(":i"), hosttest.Call(write, hosttest.I32(0), hosttest.I32(1)))
	}))
	for _, input := range []string{"a", "b", "c"} {
		b.job.Input = []byte(input)
		if out, err := b.run(t.Context()); err != nil || out != input {
			t.Errorf("input %s gives %s, %v", input, out, err)
		}
	}
}

// TestWarmUp counts in tlo_warmup, which runs once for all attempts; where it
// fails, attempts start without.
func TestWarmUp(t *testing.T) {
	for name, c := range map[string]struct {
		more []byte
		want string
	}{
		"works": {nil, "\x01"},
		"traps": {hosttest.Unreachable(), "\x00"},
		"loops": {hosttest.Loop(), "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, build(func(b *hosttest.Builder) {
				write := b.Import("tlo", "output_write", hosttest.Type("ii:i"))
				b.Memory(1, -1)
				b.Func("tlo_warmup", hosttest.Type(""), hosttest.Store(0, hosttest.I32(1)), c.more)
				b.Func("tlo_run", hosttest.Type(":i"), hosttest.Call(write, hosttest.I32(0), hosttest.I32(1)))
			}))
			for range 3 {
				if out, err := b.run(t.Context()); err != nil || out != c.want {
					t.Errorf("%q, %v", out, err)
				}
			}
		})
	}
}

// TestManyWarmAttempts runs two tasks of one plugin in many goroutines, some of
// which are stopped, and mixes nothing up.
func TestManyWarmAttempts(t *testing.T) {
	b := warmBench(t, "c", host.Options{ImageAttempts: 50})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 1))
			for range 100 {
				input, want := digestInput(random, "c")
				d, job := b.task, b.job
				d.Export, job.Input = "digest", []byte(input)
				d.Limits.Memory = int64(2+random.IntN(2)) << 20
				if random.IntN(4) == 0 {
					d.Export, d.Limits.Fuel = "keep", 100
				}
				res, err := b.host.Execute(t.Context(), d, job, b.log)
				switch f, _ := errors.AsType[*engine.Failure](err); {
				case d.Limits.Fuel > 0 && (f == nil || f.Cause != engine.CauseFuel):
					t.Errorf("without fuel: %v", err)
				case d.Limits.Fuel == 0 && (err != nil || string(res.Output) != want):
					t.Errorf("%s gives %s, want %s: %v", input, res.Output, want, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestInspectSaysHowAttemptsStart(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		cold  string
	}{
		"plugin":  {native("tlo_run"), ""},
		"command": {command(), "a command runs from its first instruction"},
		"tables": {build(func(b *hosttest.Builder) {
			b.Table(1, 1)
			b.Func("tlo_run", hosttest.Type(":i"), []byte{0x41, 0, 0xd0, 0x70, 0x26, 0}, hosttest.I32(0))
		}), "it writes tables"},
	} {
		p, err := host.InspectBytes(name+".wasm", c.bytes)
		if err != nil || !strings.HasPrefix(p.Cold, c.cold) || c.cold == "" && p.Cold != "" {
			t.Errorf("%s: %q, %v", name, p.Cold, err)
		}
	}
}
