package disk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

// damaged counts what became of stores whose file was damaged.
type damaged struct{ refused, noticed, harmless, unnoticed int }

func (d damaged) String() string {
	return fmt.Sprintf("%d were refused by open, %d noticed by a call, %d harmless, %d unnoticed", d.refused, d.noticed, d.harmless, d.unnoticed)
}

const damageWorkers = 3

// good returns the file of a store that was closed, and what it holds.
func good(t *testing.T) ([]byte, state) {
	t.Helper()
	folder := t.TempDir()
	s, err := openStore(folder)
	if err != nil {
		t.Fatal(err)
	}
	for n := range damageWorkers {
		w := newWorker(n, 1, s)
		for step := range 60 {
			if _, err := w.step(t.Context(), step); err != nil {
				t.Fatal(err)
			}
		}
	}
	st, _, err := read(t.Context(), s, damageWorkers)
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(folder, storeName))
	if err != nil {
		t.Fatal(err)
	}
	return b, st
}

// use opens a damaged file and uses all of it. It returns an error that should
// not be: one that does not say that the file is damaged, or a job that is lost
// without one. A store that gives other answers than before is counted.
func (d *damaged) use(t *testing.T, folder string, b []byte, want state) error {
	img := image{storeName: b}
	if err := img.save(folder); err != nil {
		t.Fatal(err)
	}
	err := d.look(t.Context(), folder, want)
	if err != nil {
		kept := filepath.Join(t.ArtifactDir(), fmt.Sprintf("%016x", img.hash()))
		return errors.Join(err, fmt.Errorf("the file (kept with go test -artifacts): %s", kept), img.save(kept))
	}
	return nil
}

func (d *damaged) look(ctx context.Context, folder string, want state) error {
	s, err := openStore(folder)
	if err != nil {
		d.refused++
		return isDamage(err)
	}
	defer s.Close()
	counts, err := s.Counts(ctx, epoch)
	if err != nil {
		d.noticed++
		return isDamage(err)
	}
	n := 0
	for _, of := range counts {
		for _, c := range of {
			n += c
		}
	}
	if n != want.jobs() {
		return fmt.Errorf("%d jobs are there, there were %d", n, want.jobs())
	}
	got, jobs, err := read(ctx, s, damageWorkers)
	if err == nil {
		err = want.differ(got)
	}
	if err == nil {
		err = agree(ctx, s, jobs)
	}
	switch {
	case err == nil:
		d.harmless++
	case isDamage(err) == nil:
		d.noticed++
	default:
		d.unnoticed++
	}
	return nil
}

// isDamage returns an error that does not say that the file is damaged.
func isDamage(err error) error {
	if errors.Is(err, engine.ErrCorrupt) || errors.Is(err, engine.ErrVersion) {
		return nil
	}
	return err
}

func TestFilesCutAtEachPage(t *testing.T) {
	whole, want := good(t)
	folder := filepath.Join(t.TempDir(), "store")
	var d damaged
	for at := 0; at <= len(whole); at += page {
		for _, n := range []int{at - 1, at, at + 1} {
			if n <= 0 || n >= len(whole) { // an empty file is a new store
				continue
			}
			if err := d.use(t, folder, whole[:n], want); err != nil {
				t.Errorf("%d of %d bytes are left: %v", n, len(whole), err)
			}
		}
	}
	t.Log(d)
	if d.unnoticed > 0 {
		t.Errorf("%d files of a wrong size were not noticed", d.unnoticed)
	}
}

// A bit that flips within a key or a value can stay unnoticed, for the format
// has no checksums; but no flip may take a job from the engine or make a call
// panic. TLO_FLIPS sets how many bits are flipped, one at a time.
func TestFlippedBits(t *testing.T) {
	whole, want := good(t)
	folder := filepath.Join(t.TempDir(), "store")
	seed := uint64(number(t, "TLO_SEED", 1))
	rng := rand.New(rand.NewPCG(seed, 0))
	var d damaged
	for range number(t, "TLO_FLIPS", 500) {
		bit := rng.IntN(len(whole) * 8)
		whole[bit/8] ^= 1 << (bit % 8)
		if err := d.use(t, folder, whole, want); err != nil {
			t.Errorf("bit %d of byte %d of page %d: %v", bit%8, bit/8%page, bit/8/page, err)
		}
		whole[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("TLO_SEED=%d: %v", seed, d)
	if d.refused+d.noticed == 0 {
		t.Error("no flip was noticed")
	}
}
