package engine

import "sync/atomic"

// settleWindow is how many attempts may be on their way to the disk without
// holding a worker.
const settleWindow = 4096

// settling lets workers take their next job before the last one's end is
// durable: they wait for the disk only while too many ends are on their way, or
// while the store cannot take them. Then leasing more would only lose more.
type settling struct {
	n       atomic.Int64
	stalled atomic.Int64 // those that the store could not take yet
}

// enter reports whether an attempt may settle without its worker.
func (s *settling) enter() bool {
	if s.stalled.Load() > 0 {
		return false
	}
	if s.n.Add(1) > settleWindow {
		s.n.Add(-1)
		return false
	}
	return true
}

func (s *settling) leave()  { s.n.Add(-1) }
func (s *settling) stall()  { s.stalled.Add(1) }
func (s *settling) resume() { s.stalled.Add(-1) }
