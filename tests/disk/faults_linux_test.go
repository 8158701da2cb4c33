//go:build linux && (amd64 || arm64)

package disk_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
)

// TestCrashFaults fails each call by which a store changes its file, one per
// run: whoever waits for it must hear of it, nothing that was confirmed may be
// lost, and no call may panic. TLO_FAULT_OPS sets how many calls a run makes.
func TestCrashFaults(t *testing.T) {
	for _, f := range []struct {
		name string
		fault
		recovers bool // the calls after it must succeed
	}{
		{"write fails", fault{kind: written, errno: syscall.EIO}, false},
		{"half a write fails", fault{kind: written, errno: syscall.EIO, part: sector}, false},
		{"no room to write", fault{kind: written, errno: syscall.ENOSPC}, true},
		{"room for half a write", fault{kind: written, errno: syscall.ENOSPC, part: page}, true},
		{"resize fails", fault{kind: resized, errno: syscall.EIO}, false},
		{"no room to grow", fault{kind: resized, errno: syscall.ENOSPC}, true},
		{"sync fails", fault{kind: synced, errno: syscall.EIO}, false},
		{"no room to sync", fault{kind: synced, errno: syscall.ENOSPC}, false},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			n := 1
			for ; ; n++ {
				f.n = n
				if !failOne(t, f.fault, f.recovers) || t.Failed() {
					break
				}
			}
			if n == 1 {
				t.Error("the workload makes no such call")
			}
			t.Logf("%d calls failed, each in a run of its own", n-1)
		})
	}
}

// failOne runs a workload with one fault; false if it was too short to meet
// it.
func failOne(t *testing.T, f fault, recovers bool) bool {
	r := run{Folder: t.TempDir(), Workers: 1, Steps: number(t, "TLO_FAULT_OPS", 16), Reopens: 1, Seed: uint64(number(t, "TLO_SEED", 1))}
	p := record(t, r.command(t), r.Folder, f)
	if !p.fired {
		return false
	}
	said := hearAll(t, p.tape)
	j := newJudge(t, r)
	defer j.wait()
	j.made = said.opened
	if recovers && !said.refused {
		said.mustRecover(t, f, r)
		j.play(said.full)
		j.steps[0] = r.Steps
	} else {
		said.mustFail(t, f)
		j.play(nil)
		j.steps[0] = said.confirmed
	}
	disk := newPlatter()
	for _, e := range p.tape {
		disk.take(e)
	}
	rng := rand.New(rand.NewPCG(uint64(f.n), uint64(f.kind)))
	when := fmt.Sprintf("call %d failed with %v", f.n, f.errno)
	j.look(disk.written(), when)
	j.look(disk.synced(), when+", power cut, nothing unflushed kept")
	for range 4 {
		j.look(disk.torn(rng), when+", power cut, writes torn")
	}
	return true
}

// heard is what a child said of its one worker.
type heard struct {
	lines     []string
	opened    bool         // at least once
	refused   bool         // to be opened, the first time or again
	confirmed int          // steps before the first that failed
	full      map[int]bool // steps for which there was no room
	trouble   int          // index of the first line that reports an error, or -1
}

func hearAll(t *testing.T, events tape) *heard {
	t.Helper()
	h := &heard{full: map[int]bool{}, trouble: -1}
	for _, e := range events {
		if e.kind != confirmed {
			continue
		}
		line := string(e.data)
		what, rest, _ := strings.Cut(line, " ")
		step := -1
		if what == "step" {
			if _, err := fmt.Sscanf(rest, "0 %d %s", &step, &rest); err != nil {
				t.Fatalf("the child said %q: %v", line, err)
			}
		}
		ok := rest == "ok"
		switch {
		case ok && what == "open":
			h.opened = true
		case ok && what == "step" && h.trouble < 0:
			h.confirmed++
		case rest == "full" && what == "step":
			h.full[step] = true
		}
		h.refused = h.refused || !ok && what == "open"
		if !ok && h.trouble < 0 {
			h.trouble = len(h.lines)
		}
		h.lines = append(h.lines, line)
	}
	return h
}

// mustRecover checks that for a moment there was no room, and then there was.
func (h *heard) mustRecover(t *testing.T, f fault, r run) {
	t.Helper()
	for _, line := range h.lines {
		if strings.HasPrefix(line, "step ") && strings.HasSuffix(line, " full") {
			continue
		}
		if !strings.Contains(line+" ", " ok ") {
			t.Errorf("call %d found no room, and the child said %q", f.n, line)
		}
	}
	if len(h.full) > 1 || len(h.lines) != r.Steps+3*(r.Reopens+1) {
		t.Errorf("call %d found no room, and the child said %q", f.n, h.lines)
	}
}

// mustFail checks that the child was told, and from then on at every call but
// Close.
func (h *heard) mustFail(t *testing.T, f fault) {
	t.Helper()
	if h.trouble < 0 {
		t.Errorf("call %d failed and nobody was told: %q", f.n, h.lines)
		return
	}
	for _, line := range h.lines[h.trouble:] {
		isOpen, isClose := strings.HasPrefix(line, "open "), strings.HasPrefix(line, "close ")
		if !isOpen && !isClose && !strings.HasSuffix(line, " failed") {
			t.Errorf("call %d failed, and the child said %q", f.n, h.lines[h.trouble:])
			return
		}
	}
}
