package pool_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/tlo-run/tlo/host/pool"
)

func newPool(limit int) (p *pool.Pool[string, int], discarded *[]int) {
	discarded = &[]int{}
	return pool.New[string](limit, func(n int) { *discarded = append(*discarded, n) }), discarded
}

func TestTakesTheNewest(t *testing.T) {
	p, _ := newPool(9)
	p.Put("a", 1)
	p.Put("a", 2)
	p.Put("b", 3)
	for _, want := range []int{2, 1} {
		if got, ok := p.Take("a"); !ok || got != want {
			t.Errorf("took %d, %v; want %d", got, ok, want)
		}
	}
	if _, ok := p.Take("a"); ok {
		t.Error("took what is not there")
	}
	if got, ok := p.Take("b"); !ok || got != 3 {
		t.Errorf("took %d, %v", got, ok)
	}
}

func TestDiscardsTheOldest(t *testing.T) {
	p, discarded := newPool(2)
	p.Put("a", 1)
	p.Put("b", 2)
	p.Put("a", 3)
	p.Put("a", 4)
	if !slices.Equal(*discarded, []int{1, 2}) {
		t.Errorf("discarded %v", *discarded)
	}
	if _, ok := p.Take("b"); ok {
		t.Error("took what was discarded")
	}
}

func TestDropAndClose(t *testing.T) {
	p, discarded := newPool(9)
	p.Put("a", 1)
	p.Put("b", 2)
	p.Put("a", 3)
	p.Drop(func(key string) bool { return key == "a" })
	if !slices.Equal(*discarded, []int{1, 3}) {
		t.Errorf("discarded %v", *discarded)
	}
	p.Close()
	p.Put("b", 4)
	if !slices.Equal(*discarded, []int{1, 3, 2, 4}) {
		t.Errorf("discarded %v", *discarded)
	}
}

func TestKeepsNothingWithoutRoom(t *testing.T) {
	p, discarded := newPool(0)
	p.Put("a", 1)
	if !slices.Equal(*discarded, []int{1}) {
		t.Errorf("discarded %v", *discarded)
	}
}

// TestConcurrentUse accounts for every thing: taken once, or discarded once.
func TestConcurrentUse(t *testing.T) {
	const workers, rounds = 8, 500
	var mu sync.Mutex
	seen := map[int]int{}
	see := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		seen[n]++
	}
	p := pool.New[int](10, see)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				p.Put(i%3, w*rounds+i)
				if n, ok := p.Take((i + w) % 3); ok {
					see(n)
				}
			}
		})
	}
	wg.Wait()
	p.Close()
	for n := range workers * rounds {
		if seen[n] != 1 {
			t.Fatalf("thing %d was seen %d times", n, seen[n])
		}
	}
}
