//go:build linux && (amd64 || arm64)

package disk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/enginetest"
)

// TestCrashReplay records all that a store writes, flushes and confirms, and
// opens a store from every moment of it: as a killed process would leave the
// files, as a power cut would that loses all that was not flushed, and as
// power cuts would that tear it. TLO_REPLAY_OPS sets the number of calls,
// TLO_REPLAY_RUNS the number of workloads, TLO_SEED the first one's seed.
func TestCrashReplay(t *testing.T) {
	seed := uint64(number(t, "TLO_SEED", 1))
	for i := range number(t, "TLO_REPLAY_RUNS", 1) {
		r := run{Workers: 3, Reopens: 1, Seed: seed + uint64(i)}
		r.Steps = number(t, "TLO_REPLAY_OPS", 150) / r.Workers
		t.Run(fmt.Sprint("TLO_SEED=", r.Seed), func(t *testing.T) { replay(t, r) })
	}
}

func replay(t *testing.T, r run) {
	r.Folder = t.TempDir()
	p := record(t, r.command(t), r.Folder, fault{})
	judge := newJudge(t, r)
	judge.play(nil)
	checkTape(t, p.tape, r)

	disk, rng := newPlatter(), rand.New(rand.NewPCG(r.Seed, 1))
	moments, variants := 0, 0
	tears := 50 // a store in the making has few moments, and nothing to fall back on
	look := func(i int, how string, img image) {
		variants++
		judge.look(img, fmt.Sprintf("%s, cut off after event %d of %d (%v)", how, i, len(p.tape), p.tape[i]))
	}
	for i, e := range p.tape {
		disk.take(e)
		if e.kind == confirmed && !judge.hear(string(e.data)) {
			judge.made, tears = true, 3
			continue
		}
		moments++
		look(i, "killed", disk.written())
		look(i, "power cut, nothing unflushed kept", disk.synced())
		if disk.unsynced() {
			for range tears {
				look(i, "power cut, writes torn", disk.torn(rng))
			}
		}
	}
	if same, err := disk.written().equal(r.Folder); err != nil || !same {
		t.Errorf("the tape does not lead to the files that the child left: %v", err)
	}
	judge.wait()
	t.Logf("%d events, %d moments, %d variants, %d of them different, all opened twice", len(p.tape), moments, variants, len(judge.seen))
}

// checkTape checks that the child did all it had to and met no error.
func checkTape(t *testing.T, events tape, r run) {
	t.Helper()
	counts := map[string]int{}
	for _, e := range events {
		if e.kind != confirmed {
			continue
		}
		what, rest, _ := strings.Cut(string(e.data), " ")
		counts[what]++
		if !strings.Contains(" "+rest+" ", " ok ") {
			t.Fatalf("the child met an error: %s", e.data)
		}
	}
	if counts["step"] != r.Workers*r.Steps || counts["close"] != r.Reopens+1 {
		t.Fatalf("the child said %v", counts)
	}
}

// A judge opens stores from images and checks them against what was confirmed.
type judge struct {
	t         *testing.T
	run       run
	histories []*history
	steps     []int // confirmed so far, per worker
	// made: Open has returned. Before that nothing can be lost, and the file
	// of a store in the making may be refused as damaged.
	made   bool
	seen   map[uint64]*opened
	work   sync.WaitGroup
	report sync.Once
	slots  chan string // folders to open stores in
}

// opened is what a store that was opened from an image held.
type opened struct {
	done  chan struct{}
	state state
	err   error
}

func newJudge(t *testing.T, r run) *judge {
	j := &judge{t: t, run: r, steps: make([]int, r.Workers), seen: map[uint64]*opened{}}
	// Thousands of stores are opened and thrown away: memory is enough.
	root, err := os.MkdirTemp("/dev/shm", "tlo-replay-")
	if err != nil {
		root = t.TempDir()
	}
	t.Cleanup(func() {
		j.work.Wait() // a test that failed may have left some
		os.RemoveAll(root)
	})
	j.slots = make(chan string, 4)
	for i := range cap(j.slots) {
		j.slots <- filepath.Join(root, fmt.Sprint(i))
	}
	return j
}

// hear takes what a child said; false if it was not about a step.
func (j *judge) hear(line string) bool {
	var n, step int
	var verdict, reply string
	if _, err := fmt.Sscanf(line, "step %d %d %s %s", &n, &step, &verdict, &reply); err != nil {
		return false
	}
	if want := j.histories[n].replies[step]; step != j.steps[n] || reply != want {
		j.t.Fatalf("worker %d heard %s of step %d, want %s of step %d", n, reply, step, want, j.steps[n])
	}
	j.steps[n]++
	return true
}

// look checks one image, in the background.
func (j *judge) look(img image, when string) {
	hash := img.hash()
	o, known := j.seen[hash]
	if !known {
		o = &opened{done: make(chan struct{})}
		j.seen[hash] = o
	}
	copied := image{}
	for name, b := range img {
		copied[name] = append([]byte(nil), b...)
	}
	steps, made := append([]int(nil), j.steps...), j.made
	folder := <-j.slots
	j.work.Go(func() {
		defer func() { j.slots <- folder }()
		if !known {
			o.state, o.err = reopen(j.t.Context(), copied, folder, j.run.Workers)
			close(o.done)
		}
		<-o.done
		if !made && errors.Is(o.err, engine.ErrCorrupt) {
			return
		}
		err := o.err
		for n, h := range j.histories {
			err = errors.Join(err, h.judge(o.state, steps[n]))
		}
		if err == nil {
			err = j.strangers(o.state)
		}
		if err != nil {
			j.report.Do(func() { // one is enough
				kept := filepath.Join(j.t.ArtifactDir(), fmt.Sprintf("%016x", hash))
				j.t.Errorf("%s, with %v steps confirmed: %v\nthe files (kept with go test -artifacts): %s", when, steps, errors.Join(err, copied.save(kept)), kept)
			})
		}
	})
}

func (j *judge) wait() { j.work.Wait() }

// play has the model take the steps of all workers.
func (j *judge) play(without map[int]bool) {
	j.t.Helper()
	for n := range j.run.Workers {
		h, err := play(j.t.Context(), n, j.run, without)
		if err != nil {
			j.t.Fatal(err)
		}
		j.histories = append(j.histories, h)
	}
}

// strangers checks that all there is was written by somebody.
func (j *judge) strangers(st state) error {
	for name := range st {
		known := false
		for _, h := range j.histories {
			known = known || h.versions[name] != nil
		}
		if !known {
			return fmt.Errorf("%s is there and nobody wrote it", name)
		}
	}
	return nil
}

// reopen opens a store from an image, twice, and returns what it holds.
func reopen(ctx context.Context, img image, folder string, workers int) (st state, err error) {
	if err := img.save(folder); err != nil {
		return nil, err
	}
	s, err := openStore(folder)
	if err != nil {
		return nil, err
	}
	st, jobs, err := read(ctx, s, workers)
	if err := errors.Join(err, check(ctx, s), s.Close()); err != nil {
		return st, fmt.Errorf("opened once: %w", err)
	}
	if s, err = openStore(folder); err != nil {
		return st, fmt.Errorf("opened again: %w", err)
	}
	again, _, err := read(ctx, s, workers)
	if err == nil {
		err = st.differ(again)
	}
	if err := errors.Join(err, agree(ctx, s, jobs), check(ctx, s), s.Close()); err != nil {
		return st, fmt.Errorf("opened again: %w", err)
	}
	return st, checkPages(filepath.Join(folder, storeName))
}

// check asks the store whether its parts agree, if it can tell.
func check(ctx context.Context, s engine.Store) error {
	if c, ok := s.(enginetest.Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

// checkPages has bbolt check its pages.
func checkPages(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return errors.Join(err, db.Close())
}
