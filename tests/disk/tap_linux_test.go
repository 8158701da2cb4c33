//go:build linux && (amd64 || arm64)

package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A fault is the n-th call of a kind, from 1, that fails.
type fault struct {
	kind  kind
	n     int
	errno syscall.Errno
	part  int // of a write: the first half is written all the same, in whole units of so many bytes
}

// tap answers for the kernel and keeps the tape. It carries the calls out by
// itself, one at a time, so that their order on the tape is the real one.
type tap struct {
	folder   string
	pid      int
	memory   *os.File
	listener int
	fault    fault
	count    int // calls of the fault's kind
	fired    bool
	tape     tape
	problems []error // calls that the tape cannot hold
}

// record runs a process, with its store in the folder, to its end.
func record(t *testing.T, cmd *exec.Cmd, folder string, f fault) *tap {
	t.Helper()
	p := &tap{folder: folder, fault: f}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var err error
	switch p.listener, err = startAsked(cmd); {
	case errors.Is(err, errNoListener) && strings.HasPrefix(stderr.String(), "seccomp: "):
		t.Skipf("the kernel, or the sandbox around this test, does not let a process watch another (Linux 5.19 or later does): %s", &stderr)
	case err != nil:
		t.Fatalf("%v\n%s", err, &stderr)
	}
	p.pid = cmd.Process.Pid
	err = p.run()
	if err != nil {
		_ = cmd.Process.Kill() // it may wait for an answer
	}
	err = errors.Join(err, cmd.Wait(), errors.Join(p.problems...))
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return p
}

func (p *tap) run() (err error) {
	defer unix.Close(p.listener)
	if p.memory, err = os.Open(fmt.Sprintf("/proc/%d/mem", p.pid)); err != nil {
		return err
	}
	defer p.memory.Close()
	for {
		q, ok, err := nextQuestion(p.listener)
		if err != nil || !ok {
			return err
		}
		a, err := p.answer(q)
		if err != nil {
			return err
		}
		a.id = q.id
		if err := a.send(p.listener); err != nil {
			return err
		}
	}
}

var goOn = answer{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}

// answer carries a call out if it is the folder's business.
func (p *tap) answer(q question) (answer, error) {
	switch q.nr {
	case unix.SYS_OPENAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_TRUNCATE, unix.SYS_LINKAT:
		return goOn, p.names(q)
	case unix.SYS_IO_URING_SETUP:
		p.problems = append(p.problems, errors.New("the store uses io_uring, which the tape cannot hold"))
		return goOn, nil
	}
	if q.nr == unix.SYS_WRITE && q.args[0] == 1 {
		line, err := p.read(q.args[1], q.args[2])
		p.tape = append(p.tape, event{kind: confirmed, data: bytes.TrimSpace(line)})
		return answer{val: int64(len(line))}, err
	}
	name, isFolder := p.file(q.args[0])
	if isFolder && (q.nr == unix.SYS_FSYNC || q.nr == unix.SYS_FDATASYNC) {
		return p.carryOut(event{kind: folderSynced})
	}
	if name == "" {
		return goOn, nil
	}
	switch q.nr {
	case unix.SYS_PWRITE64:
		data, err := p.read(q.args[1], q.args[2])
		if err != nil {
			return answer{}, err
		}
		return p.carryOut(event{kind: written, name: name, off: int64(q.args[3]), data: data})
	case unix.SYS_FTRUNCATE:
		return p.carryOut(event{kind: resized, name: name, off: int64(q.args[1])})
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		if err := p.checkMappings(); err != nil {
			return answer{}, err
		}
		return p.carryOut(event{kind: synced, name: name})
	case unix.SYS_FALLOCATE:
		st, err := os.Stat(filepath.Join(p.folder, name))
		if size := int64(q.args[2] + q.args[3]); err == nil && q.args[1] == 0 {
			return p.carryOut(event{kind: resized, name: name, off: max(size, st.Size())})
		}
	}
	p.problems = append(p.problems, fmt.Errorf("the store makes call %d on %s, which the tape cannot hold: teach the tap", q.nr, name))
	return goOn, nil
}

// carryOut does what was asked, or fails it, and puts it on the tape.
func (p *tap) carryOut(e event) (answer, error) {
	fails := p.due(e.kind)
	if fails {
		if e.kind != written || p.fault.part == 0 {
			return answer{errno: -int32(p.fault.errno)}, nil
		}
		e.data = e.data[:len(e.data)/2/p.fault.part*p.fault.part]
	}
	path := filepath.Join(p.folder, e.name)
	flag := os.O_RDWR
	if e.kind == folderSynced {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return answer{}, err
	}
	defer f.Close()
	switch e.kind {
	case written:
		_, err = f.WriteAt(e.data, e.off)
	case resized:
		err = f.Truncate(e.off)
	default:
		err = f.Sync()
	}
	p.tape = append(p.tape, e)
	if fails {
		return answer{errno: -int32(p.fault.errno)}, err
	}
	return answer{val: int64(len(e.data))}, err
}

// due counts the calls of the fault's kind and reports whether this one fails.
func (p *tap) due(k kind) bool {
	if k == folderSynced {
		k = synced
	}
	if p.fault.n == 0 || k != p.fault.kind {
		return false
	}
	p.count++
	p.fired = p.fired || p.count == p.fault.n
	return p.count == p.fault.n
}

// checkMappings looks for files of the folder that are written in memory: the
// kernel asks nobody about that.
func (p *tap) checkMappings() error {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.pid))
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, p.folder+"/") && strings.Contains(line, " rw-s ") {
			return fmt.Errorf("the store writes in memory, which the tape cannot hold: %s", line)
		}
	}
	return err
}

// names puts calls that change the folder itself on the tape.
func (p *tap) names(q question) error {
	path, err := p.path(q.args[1])
	name, inside := p.inside(path)
	if err != nil || !inside && q.nr != unix.SYS_RENAMEAT && q.nr != unix.SYS_RENAMEAT2 {
		return err
	}
	switch q.nr {
	case unix.SYS_OPENAT:
		st, err := os.Stat(path)
		switch {
		case err != nil && q.args[2]&unix.O_CREAT != 0:
			p.tape = append(p.tape, event{kind: created, name: name})
		case err == nil && st.Mode().IsRegular() && q.args[2]&unix.O_TRUNC != 0:
			p.tape = append(p.tape, event{kind: resized, name: name})
		}
	case unix.SYS_UNLINKAT:
		if _, err := os.Stat(path); err == nil {
			p.tape = append(p.tape, event{kind: unlinked, name: name})
		}
	case unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2:
		target, err := p.path(q.args[3])
		if err != nil {
			return err
		}
		to, both := p.inside(target)
		if inside != both {
			p.problems = append(p.problems, fmt.Errorf("the store renames %s to %s, which the tape cannot hold", path, target))
		} else if inside {
			p.tape = append(p.tape, event{kind: renamed, name: name, to: to})
		}
	default:
		p.problems = append(p.problems, fmt.Errorf("the store makes call %d on %s, which the tape cannot hold: teach the tap", q.nr, name))
	}
	return nil
}

// file tells which file of the folder a descriptor has open.
func (p *tap) file(fd uint64) (name string, isFolder bool) {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.pid, int32(fd)))
	if err != nil {
		return "", false
	}
	name, _ = p.inside(path)
	return name, path == p.folder
}

func (p *tap) inside(path string) (name string, ok bool) {
	name, ok = strings.CutPrefix(path, p.folder+"/")
	if !ok || strings.HasSuffix(name, " (deleted)") {
		return "", false
	}
	return name, true
}

func (p *tap) read(address, size uint64) ([]byte, error) {
	b := make([]byte, size)
	_, err := p.memory.ReadAt(b, int64(address))
	return b, err
}

// path reads a string that ends with a zero byte; it may lie close to the end
// of what is mapped.
func (p *tap) path(address uint64) (string, error) {
	b := make([]byte, unix.PathMax)
	n, err := p.memory.ReadAt(b, int64(address))
	if end := bytes.IndexByte(b[:n], 0); end >= 0 {
		return string(b[:end]), nil
	}
	return "", fmt.Errorf("a path at %#x has no end: %w", address, err)
}
