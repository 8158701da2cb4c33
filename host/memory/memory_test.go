package memory_test

import (
	"testing"

	"github.com/tlo-run/tlo/host/memory"
)

func TestGrowsInPlaceWithinLimit(t *testing.T) {
	l, err := memory.New(10*memory.Page+1, memory.MaxLimit)
	if err != nil {
		t.Fatal(err)
	}
	first := l.Reallocate(memory.Page)
	first[0], first[memory.Page-1] = 1, 2
	grown := l.Reallocate(10 * memory.Page)
	if len(grown) != 10*memory.Page {
		t.Fatalf("grew to %d bytes", len(grown))
	}
	if &grown[0] != &first[0] {
		t.Error("memory moved")
	}
	if grown[0] != 1 || grown[memory.Page-1] != 2 {
		t.Error("memory lost what was written")
	}
	for i, b := range grown[memory.Page:] {
		if b != 0 {
			t.Fatalf("byte %d of new memory is %d", memory.Page+i, b)
		}
	}
	if l.Refused() != 0 {
		t.Errorf("refused %d before the limit", l.Refused())
	}
	if l.Reallocate(11*memory.Page) != nil {
		t.Error("grew past the limit")
	}
	if got := l.Refused(); got != 11*memory.Page {
		t.Errorf("refused %d", got)
	}
	if got := l.Size(); got != 10*memory.Page {
		t.Errorf("size %d", got)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if err := l.Release(); err != nil {
		t.Error("second release:", err)
	}
}

func TestOwnMaximumIsNoLimit(t *testing.T) {
	l, err := memory.New(memory.MaxLimit, 2*memory.Page)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if got := len(l.Reallocate(2 * memory.Page)); got != 2*memory.Page {
		t.Fatalf("got %d bytes", got)
	}
}

func TestNoMemory(t *testing.T) {
	l, err := memory.New(1, memory.MaxLimit)
	if err != nil {
		t.Fatal(err)
	}
	if l.Reallocate(memory.Page) != nil {
		t.Error("a limit below one page gave a page")
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}
