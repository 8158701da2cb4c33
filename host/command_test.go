package host_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

// goGuest is testdata/guest, built by the Go toolchain that runs the tests.
var goGuest = sync.OnceValues(func() ([]byte, error) {
	out := filepath.Join(shared, "guest.wasm")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", out, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if message, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the guest: %w\n%s", err, message)
	}
	return os.ReadFile(out)
})

// newGoBench compiles the guest once for all tests, in a cache on disk.
func newGoBench(t *testing.T) *bench {
	t.Helper()
	guest, err := goGuest()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, guest)
	b.host = newHost(t, host.Options{CacheDir: filepath.Join(shared, "cache")})
	return b
}

// answers runs the guest with these lines and returns its answers.
func (b *bench) answers(lines ...string) []string {
	b.t.Helper()
	b.job.Input = []byte(strings.Join(lines, "\n"))
	out, err := b.run(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(answers) != len(lines) {
		b.t.Fatalf("asked %q, answered %q, logged\n%v", lines, answers, b.log)
	}
	return answers
}

func TestGoCommand(t *testing.T) {
	b := newGoBench(t)
	b.task.Args = []string{"one", "two words"}
	b.job.Attempt = 4
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	b.job.Input = []byte("args\nenv\nbad")
	out, err := b.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out, "\n")
	if lines[0] != "args test one two words" {
		t.Errorf("arguments %q", lines[0])
	}
	if !strings.HasPrefix(lines[1], "env TLO_TASK=test TLO_JOB_ID=job-1 TLO_ATTEMPT=4 TLO_DEADLINE_MS=3") {
		t.Errorf("environment %q", lines[1])
	}
	if lines[2] != "bad error" || !strings.Contains(b.log.String(), `info "invalid argument"`) {
		t.Errorf("answered %q, logged %v", lines[2], b.log)
	}
}

func TestGoCommandFails(t *testing.T) {
	b := newGoBench(t)
	b.job.Input = []byte("exit xxx")
	b.wants(b.failure(t.Context()), engine.CauseError, false, "exit code 3")
	b.job.Input = []byte("panic")
	b.wants(b.failure(t.Context()), engine.CauseError, false, "exit code 2")
	if !strings.Contains(b.log.String(), `info "panic: as told"`) {
		t.Errorf("logged\n%v", b.log)
	}
	b.job.Input = []byte("allocate")
	b.task.Limits.Memory = 16 << 20
	b.wants(b.failure(t.Context()), engine.CauseMemory, false, "the limit of task \"test\" is 16 MiB")
}

func TestFilesAreReadOnlyAndConfined(t *testing.T) {
	outside, inside := t.TempDir(), t.TempDir()
	write(t, outside, "secret", []byte("secret"))
	write(t, inside, "data.txt", []byte("content"))
	err := os.Mkdir(filepath.Join(inside, "sub"), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(inside, "sub"), "deep.txt", []byte("deep"))
	relative, err := filepath.Rel(inside, outside)
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"absolute": filepath.Join(outside, "secret"),
		"relative": filepath.Join(relative, "secret"),
		"folder":   outside,
		"root":     "/",
		"good":     "data.txt",
		"upgood":   "sub/../data.txt",
	} {
		if err := os.Symlink(target, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(inside, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newGoBench(t)
	if got := b.answers("read /etc/passwd", "list /"); got[0] != "read error" || got[1] != "list error" {
		t.Errorf("files without a grant: %q", got)
	}
	b.task.Grants.Files = []engine.FileGrant{{Guest: "/in", Path: inside}, {Guest: "/in2", Path: filepath.Join(inside, "sub")}}
	for ask, want := range map[string]string{
		"read /in/data.txt":                        "content",
		"read /in/sub/deep.txt":                    "deep",
		"read /in/sub/../data.txt":                 "content",
		"read /in2/deep.txt":                       "deep",
		"read /in/good":                            "content",
		"read /in/upgood":                          "content",
		"list /in/sub":                             "deep.txt",
		"read /in/absolute":                        "error",
		"read /in/relative":                        "error",
		"read /in/folder/secret":                   "error",
		"list /in/folder":                          "error",
		"read /in/root/etc/passwd":                 "error",
		"read /in/pipe":                            "error",
		"read /in/../etc/passwd":                   "error",
		"read /in/../../../../../../../etc/passwd": "error",
		"read /in2/../data.txt":                    "error",
		"read " + filepath.Join(outside, "secret"): "error",
		"write /in/new":                            "error",
		"write /in/data.txt":                       "error",
		"append /in/data.txt":                      "error",
		"truncate /in/data.txt":                    "error",
		"mkdir /in/dir":                            "error",
		"remove /in/data.txt":                      "error",
		"remove /in/sub":                           "error",
		"rename /in/data.txt":                      "error",
		"symlink /in/link":                         "error",
		"chtimes /in/data.txt":                     "error",
	} {
		verb, _, _ := strings.Cut(ask, " ")
		if got := b.answers(ask)[0]; got != verb+" "+want {
			t.Errorf("%s: %s, want %s", ask, got, want)
		}
	}
	if got, err := os.ReadFile(filepath.Join(inside, "data.txt")); string(got) != "content" || err != nil {
		t.Errorf("data.txt holds %q, %v", got, err)
	}
	if entries, err := os.ReadDir(inside); len(entries) != 9 || err != nil {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestOpenFilesAreBoundedAndClosed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "f", nil)
	b := newGoBench(t)
	b.task.Grants.Files = []engine.FileGrant{{Guest: "/in", Path: dir}}
	for range 3 {
		n, err := strconv.Atoi(strings.TrimPrefix(b.answers("hoard /in/f")[0], "hoard "))
		if err != nil || n < 100 || n > 128 {
			t.Errorf("opened %d files, %v", n, err)
		}
	}
	noneOpen(t, dir)
}

// TestFilesOfAFailedStartAreClosed: what fails in a start section has no
// instance to close.
func TestFilesOfAFailedStartAreClosed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "f", nil)
	b := newBench(t, build(func(b *hosttest.Builder) {
		open := b.Import("wasi_snapshot_preview1", "path_open", hosttest.Type("iiiiillii:i"))
		b.Memory(1, 1)
		b.Data(0, []byte("f"))
		zero, none := hosttest.I32(0), hosttest.I64(0)
		b.Start(b.Func("", hosttest.Type(""),
			hosttest.Drop(hosttest.Call(open, hosttest.I32(3), zero, zero, hosttest.I32(1), zero, none, none, zero, hosttest.I32(8))),
			hosttest.TrapUnless(hosttest.Load(8)), // a descriptor was given
			hosttest.Drop(hosttest.Load(-1))))
		b.Func("_start", hosttest.Type(""))
	}))
	b.task.Grants.Files = []engine.FileGrant{{Guest: "/in", Path: dir}}
	b.wants(b.failure(t.Context()), engine.CauseTrap, false, "out of bounds memory access")
	noneOpen(t, dir)
}

// noneOpen checks that this process has nothing under dir open.
func noneOpen(t *testing.T, dir string) {
	t.Helper()
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, dir) {
			t.Errorf("%s is still open", target)
		}
	}
}

func TestFolderThatIsMissing(t *testing.T) {
	b := newBench(t, command())
	none := filepath.Join(t.TempDir(), "none")
	b.task.Grants.Files = []engine.FileGrant{{Guest: "/in", Path: none}}
	b.wants(b.failure(t.Context()), engine.CauseInternal, false, "granted folder "+none+": no such file or directory; create it")
	b.task.Grants.Files = []engine.FileGrant{{Guest: "in", Path: t.TempDir()}}
	b.wants(b.failure(t.Context()), engine.CauseInternal, true, `"in" is not absolute`)
	b.task.Grants.Files, b.task.Args = nil, []string{"a\x00b"}
	b.wants(b.failure(t.Context()), engine.CauseInternal, true, "zero byte")
}

func TestNativeStreamsAreLog(t *testing.T) {
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
		b.Memory(1, 1)
		b.Data(0, []byte{8, 0, 0, 0, 8, 0, 0, 0})
		b.Data(8, []byte("a\r\n\n\xffb\nc"))
		say := func(fd int32) []byte {
			return hosttest.Drop(hosttest.Call(write, hosttest.I32(fd), hosttest.I32(0), hosttest.I32(1), hosttest.I32(100)))
		}
		b.Func("tlo_run", hosttest.Type(":i"), say(2), say(1), hosttest.I32(0))
	}))
	if out, err := b.run(t.Context()); out != "" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	want := "info \"a\"\ninfo \"\uFFFDb\"\ndebug \"a\"\ndebug \"\uFFFDb\"\ninfo \"c\"\ndebug \"c\""
	if got := b.log.String(); got != want {
		t.Errorf("logged\n%s\nwant\n%s", got, want)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	b := newBench(t, build(func(b *hosttest.Builder) {
		write := b.Import("wasi_snapshot_preview1", "fd_write", hosttest.Type("iiii:i"))
		b.Memory(1, 1)
		b.Data(0, []byte{8, 0, 0, 0, 0x01, 0x40, 0, 0}) // 16 KiB and a byte
		b.Data(8, []byte(strings.Repeat("x", 16<<10+1)))
		b.Func("_start", hosttest.Type(""),
			hosttest.Drop(hosttest.Call(write, hosttest.I32(2), hosttest.I32(0), hosttest.I32(1), hosttest.I32(20000))))
	}))
	if _, err := b.run(t.Context()); err != nil {
		t.Error(err)
	}
	var lengths []int
	for _, line := range b.log.Lines() {
		lengths = append(lengths, len(line)-len(`info ""`))
	}
	if fmt.Sprint(lengths) != "[8192 8192 1]" {
		t.Errorf("lines of %v bytes", lengths)
	}
}
