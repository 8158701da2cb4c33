package enginetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Hammer has many goroutines submit, lease, extend, settle, cancel, retry and
// purge at once, n jobs in all, and then drains the store. Three things must hold:
// no two leases have the same job and attempt; each lease is settled exactly
// once, by one of those who try; every accepted job is found ended or was
// purged. Run it with the race detector.
func Hammer(t *testing.T, place NewPlace, n int) {
	h := &hammer{kit: open(t, place), seed: seed(t, 1)}
	h.now.Store(epoch.UnixNano())
	t.Logf("TLO_SEED=%d", h.seed)
	const producers, workers = 4, 4
	var produce, rest sync.WaitGroup
	for p := range producers {
		produce.Go(func() { h.produce(p, n/producers) })
	}
	stop := make(chan struct{})
	for w := range workers {
		rest.Go(func() { h.work(w, stop) })
	}
	rest.Go(func() { h.disturb(stop) })
	produce.Wait()
	close(stop)
	rest.Wait()
	h.drain()
	h.verify()
}

type hammer struct {
	*kit
	seed     uint64
	now      atomic.Int64
	accepted sync.Map // id → true
	leases   sync.Map // lease → number of settlements that were accepted
	purged   atomic.Int64
}

type leaseName struct {
	id      string
	attempt int
}

// clock advances with each look, so that delays pass.
func (h *hammer) clock() time.Time { return time.Unix(0, h.now.Add(int64(10*time.Millisecond))).UTC() }

func (h *hammer) rand(who int) *rand.Rand { return rand.New(rand.NewPCG(h.seed, uint64(who))) }

func (h *hammer) fail(err error, allowed ...error) {
	if err == nil {
		return
	}
	for _, a := range allowed {
		if errors.Is(err, a) {
			return
		}
	}
	h.Errorf("unexpected error: %v", err)
}

func (h *hammer) produce(who, n int) {
	rng := h.rand(who)
	for made := 0; made < n; {
		var batch []engine.Job
		for range 1 + rng.IntN(4) {
			j := job(fmt.Sprintf("p%d-%d", who, made), queue(fmt.Sprint("q", rng.IntN(3))), prio(rng.IntN(10)), input("x"))
			if rng.IntN(4) == 0 {
				j.Key = fmt.Sprint("key", rng.IntN(n)) // another producer may hold it
			}
			batch = append(batch, j)
			made++
		}
		err := h.Submit(h.ctx, batch...)
		h.fail(err, engine.ErrDuplicate)
		if err == nil {
			for _, j := range batch {
				h.accepted.Store(j.ID, true)
			}
		}
	}
}

func (h *hammer) work(who int, stop <-chan struct{}) {
	rng := h.rand(100 + who)
	for {
		select {
		case <-stop:
			return
		default:
			h.turn(rng, who)
		}
	}
}

// turn leases some jobs, and lets two goroutines settle the same leases.
func (h *hammer) turn(rng *rand.Rand, who int) int {
	now := h.clock()
	leased, err := h.Lease(h.ctx, engine.LeaseRequest{Queues: all, Max: 1 + rng.IntN(8), Worker: fmt.Sprint(who), Now: now, Until: now.Add(time.Second)})
	h.fail(err)
	var exts []engine.Extension
	var batch []engine.Settlement
	for _, j := range leased {
		if _, twice := h.leases.LoadOrStore(leaseName{j.ID, j.Attempt}, new(atomic.Int64)); twice {
			h.Errorf("attempt %d of job %s was leased twice", j.Attempt, j.ID)
		}
		exts = append(exts, engine.Extension{ID: j.ID, Attempt: j.Attempt, Until: now.Add(time.Minute)})
		o := outcomes[rng.IntN(len(outcomes))]
		o.RunAt = now
		st := settlement(j, o, now)
		if rng.IntN(10) == 0 {
			child := fmt.Sprintf("%s/%d", j.ID, j.Attempt)
			if len(child) < 20 {
				st.Effects.Jobs = []engine.Job{job(child, queue(j.Queue))}
			}
		}
		batch = append(batch, st)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := h.Extend(h.ctx, exts...)
		h.fail(err)
	})
	for range 2 {
		wg.Go(func() { h.settleBatch(batch) })
	}
	wg.Wait()
	return len(leased)
}

func (h *hammer) settleBatch(batch []engine.Settlement) {
	answers, err := h.Settle(h.ctx, batch...)
	h.fail(err)
	for i, a := range answers {
		h.fail(a.Err, engine.ErrLeaseLost)
		if a.Err != nil {
			continue
		}
		st := batch[i]
		if st.Outcome.Verdict == engine.VerdictSucceeded {
			for _, j := range st.Effects.Jobs {
				h.accepted.Store(j.ID, true)
			}
		}
		if n, ok := h.leases.Load(leaseName{st.ID, st.Attempt}); ok {
			n.(*atomic.Int64).Add(1)
		}
	}
}

// disturb cancels, retries, purges and asks.
func (h *hammer) disturb(stop <-chan struct{}) {
	rng := h.rand(1000)
	for {
		select {
		case <-stop:
			return
		default:
		}
		page, err := h.Jobs(h.ctx, engine.Filter{Limit: 20})
		h.fail(err)
		for _, j := range page.Jobs {
			switch rng.IntN(6) {
			case 0:
				_, err = h.Cancel(h.ctx, j.ID, h.clock())
			case 1:
				_, err = h.Retry(h.ctx, j.ID, h.clock())
			case 2:
				err = h.AppendLogs(h.ctx, j.ID, engine.LogLine{Message: "disturbed"})
			case 3:
				_, err = h.Logs(h.ctx, j.ID, 0, 0)
			}
			h.fail(err, engine.ErrState, engine.ErrNotFound)
		}
		n, err := h.Purge(h.ctx, engine.PurgeRequest{Task: "report", Keep: 50, Max: 10})
		h.fail(err)
		h.purged.Add(int64(n))
		_, err = h.Counts(h.ctx, h.clock())
		h.fail(err)
		_, _, err = h.NextDue(h.ctx, all)
		h.fail(err)
		_, err = h.Expired(h.ctx, h.clock(), 5)
		h.fail(err)
	}
}

// drain works until nothing waits and nothing runs.
func (h *hammer) drain() {
	rng := h.rand(2000)
	for !h.Failed() {
		h.now.Add(int64(time.Minute))
		worked := h.turn(rng, 0)
		if _, waits, err := h.NextDue(h.ctx, all); worked == 0 && !waits {
			h.fail(err)
			return
		}
	}
}

func (h *hammer) verify() {
	found := int64(0)
	for f := (engine.Filter{Limit: 500}); ; {
		page, err := h.Jobs(h.ctx, f)
		h.ok(err)
		for _, j := range page.Jobs {
			found++
			if !j.State.Terminal() {
				h.Errorf("job %s is %s at the end", j.ID, j.State)
			}
			if _, ok := h.accepted.Load(j.ID); !ok {
				h.Errorf("job %s exists but was never accepted", j.ID)
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	accepted := int64(0)
	h.accepted.Range(func(any, any) bool { accepted++; return true })
	if found+h.purged.Load() != accepted {
		h.Errorf("%d jobs accepted, but %d found and %d purged", accepted, found, h.purged.Load())
	}
	h.leases.Range(func(name, n any) bool {
		if n := n.(*atomic.Int64).Load(); n != 1 {
			h.Errorf("lease %+v was settled %d times", name, n)
		}
		return true
	})
	h.Logf("%d jobs accepted, %d purged", accepted, h.purged.Load())
}
