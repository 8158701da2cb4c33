package bolt

import (
	"hash/maphash"
	"math"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// zones say of each thousand jobs which states, tasks and queues may be among
// them, so that a listing passes by those that hold nothing it looks for. They
// never miss anything and may promise too much: what a job was, it still counts
// as. 40 bytes for a thousand jobs.
type zones struct {
	all map[uint64]*zone // by seq / zoneSize
}

const zoneSize = 1024

type zone struct {
	states         byte
	tasks          uint64 // a bit for each, by a hash
	queues         uint64
	oldest, newest int64 // creation
}

var zoneSeed = maphash.MakeSeed()

func bitOf[T string | []byte](name T) uint64 {
	return 1 << (maphash.String(zoneSeed, string(name)) % 64)
}

func (z *zones) add(seq uint64, state byte, task, queue string, created time.Time) {
	z.addBits(seq, state, bitOf(task), bitOf(queue), nanos(created))
}

func (z *zones) addBits(seq uint64, state byte, task, queue uint64, created int64) {
	x := z.all[seq/zoneSize]
	if x == nil {
		if z.all == nil {
			z.all = map[uint64]*zone{}
		}
		x = &zone{oldest: math.MaxInt64, newest: math.MinInt64}
		z.all[seq/zoneSize] = x
	}
	x.states |= 1 << state
	x.tasks |= task
	x.queues |= queue
	x.oldest, x.newest = min(x.oldest, created), max(x.newest, created)
}

// wanted is what a filter needs a zone to have.
type wanted struct {
	states        byte
	tasks, queues uint64
	since, until  int64
}

func want(f *engine.Filter) wanted {
	w := wanted{since: math.MinInt64, until: math.MaxInt64}
	for _, s := range f.States {
		if s.Waiting() { // time makes ready ones of scheduled ones
			w.states |= 1<<stateByte(engine.Scheduled) | 1<<stateByte(engine.Ready)
		} else {
			w.states |= 1 << stateByte(s)
		}
		// Which jobs run is known to the memory alone: on the disk they may
		// still wait.
		if s == engine.Running {
			w.states |= 1<<stateByte(engine.Scheduled) | 1<<stateByte(engine.Ready)
		}
	}
	if f.Task != "" {
		w.tasks = bitOf(f.Task)
	}
	if f.Queue != "" {
		w.queues = bitOf(f.Queue)
	}
	if !f.Since.IsZero() {
		w.since = nanos(f.Since)
	}
	if !f.Until.IsZero() {
		w.until = nanos(f.Until)
	}
	return w
}

func (w *wanted) may(z *zone) bool {
	return (w.states == 0 || w.states&z.states != 0) && w.tasks&z.tasks == w.tasks && w.queues&z.queues == w.queues &&
		z.newest >= w.since && z.oldest <= w.until
}

// skip returns below, or a lower seq such that the jobs between cannot be
// wanted.
func (z *zones) skip(below uint64, w *wanted) uint64 {
	if below == 0 {
		return 0
	}
	i := (below - 1) / zoneSize
	for {
		x := z.all[i]
		if x == nil || w.may(x) {
			return min(below, (i+1)*zoneSize)
		}
		if i == 0 {
			return 0
		}
		i--
	}
}
