package bolt

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// waiter is a job as the test of the order knows it.
type waiter struct {
	spot
	priority int
	id       string
}

func inOrder(a, b waiter) int {
	return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
}

// A line gives out what a sorted list would, whatever comes in which order, is
// taken out in between and comes back.
func TestTheLineKeepsTheOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 0))
	for _, spread := range []int{1, 3, 50, 100_000} { // few run-at times: many ties
		ids := map[uint64]string{}
		q := newLineup("q", func(a, b uint64) bool { return ids[a] < ids[b] })
		var want []waiter
		now := int64(0)
		for seq := uint64(1); seq < 2_500; seq++ {
			now += int64(rng.IntN(3))
			w := waiter{spot{now, seq}, rng.IntN(3), fmt.Sprint(rng.IntN(1<<30), "-", seq)}
			if rng.IntN(3) == 0 { // delayed
				w.at += int64(rng.IntN(spread))
			}
			ids[seq] = w.id
			q.add(w.spot, w.priority, w.id)
			want = append(want, w)
			switch rng.IntN(4) {
			case 0: // one is cancelled, and may come back
				i := rng.IntN(len(want))
				q.drop(want[i].spot)
				if rng.IntN(2) == 0 {
					q.add(want[i].spot, want[i].priority, want[i].id)
				} else {
					want = slices.Delete(want, i, i+1)
				}
			case 1:
				want = takeFirst(t, q, want, now)
			}
			if later := len(want) - due(want, now); seq%500 == 0 && q.later(now) != later {
				t.Fatalf("%d are due later, not %d", later, q.later(now))
			}
		}
		for len(want) > 0 {
			want = takeFirst(t, q, want, 1<<40)
		}
		if _, ok := q.next(); ok || len(q.lanes) > 0 || len(q.gone) > 0 {
			t.Fatalf("the empty line is %+v", q)
		}
	}
}

func due(all []waiter, now int64) (n int) {
	for _, w := range all {
		if w.at <= now {
			n++
		}
	}
	return n
}

func takeFirst(t *testing.T, q *lineup, want []waiter, now int64) []waiter {
	t.Helper()
	first := -1
	for i, w := range want {
		if w.at <= now && (first < 0 || inOrder(w, want[first]) < 0) {
			first = i
		}
	}
	got, ok := q.due(now)
	if !ok || first < 0 {
		if ok || first >= 0 {
			t.Fatalf("due is %+v, %v, want number %d of %d", got, ok, first, len(want))
		}
		return want
	}
	if got.spot != want[first].spot {
		t.Fatalf("due is %+v, want %+v", got.spot, want[first])
	}
	q.take(got)
	return slices.Delete(want, first, first+1)
}

func TestAWaitingJobTakesFewBytes(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const n = 1_000_000
	q := newLineup("q", func(a, b uint64) bool { return a < b })
	at, before := time.Now(), heap()
	for seq := range uint64(n) {
		at = at.Add(time.Millisecond + time.Duration(seq%1000)*time.Microsecond)
		q.add(spot{nanos(at), seq}, 5, "")
	}
	if each := float64(heap()-before) / n; each > 10 {
		t.Errorf("%.1f bytes for each job", each)
	} else {
		t.Logf("%.1f bytes for each job", each)
	}
	runtime.KeepAlive(q)
}
