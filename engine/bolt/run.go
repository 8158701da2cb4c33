package bolt

import (
	"encoding/binary"
	"math"
	"time"
)

// spot is a waiting job's place in its lane.
type spot struct {
	at  int64 // its run-at, see [nanos]
	seq uint64
}

// nanos is a time in nanoseconds since 1970. Times that this cannot hold,
// before 1678 or after 2261, are as early or as late as possible.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(earliest):
		return math.MinInt64
	case t.After(latest):
		return math.MaxInt64
	}
	return t.UnixNano()
}

var earliest, latest = time.Unix(0, math.MinInt64+1), time.Unix(0, math.MaxInt64-1)

// exact reports whether the spot says all of the run-at.
func (s spot) exact() bool { return s.at != math.MinInt64 && s.at != math.MaxInt64 }

func (s spot) time() time.Time { return time.Unix(0, s.at).UTC() }

// run holds jobs in the order in which they came, each due after the one
// before: 2 to 8 bytes each, as the distance to that one.
type run struct {
	chunks []*chunk // the first is being read, the last being written
	head   spot
	tail   spot
	tailID string
	n      int
}

// chunk is a part of a run.
type chunk struct {
	first, last spot
	rest        []byte // the distances of those behind the first
	n           int
}

const chunkSize = 1024

// fits reports whether a job may come behind the last.
func (r *run) fits(s spot, id string) bool {
	return s.at > r.tail.at || s.at == r.tail.at && s.exact() && id > r.tailID
}

func (r *run) push(s spot, id string) {
	r.n++
	if r.n == 1 {
		r.chunks = append(r.chunks[:0], &chunk{first: s, last: s, n: 1})
		r.head, r.tail, r.tailID = s, s, id
		return
	}
	c := r.chunks[len(r.chunks)-1]
	if len(c.rest) > chunkSize-2*binary.MaxVarintLen64 {
		c = &chunk{first: s}
		r.chunks = append(r.chunks, c)
	} else {
		c.rest = binary.AppendVarint(c.rest, int64(s.seq-r.tail.seq)) // a retried job is older
		c.rest = binary.AppendUvarint(c.rest, uint64(s.at)-uint64(r.tail.at))
	}
	c.last = s
	c.n++
	r.tail, r.tailID = s, id
}

// pop removes the head.
func (r *run) pop() {
	r.n--
	if r.n == 0 {
		r.chunks = nil
		return
	}
	c := r.chunks[0]
	if c.n--; c.n == 0 {
		r.chunks[0] = nil
		r.chunks = r.chunks[1:]
		r.head = r.chunks[0].first
		return
	}
	r.head, c.rest = c.next(r.head)
	c.first = r.head
}

// next decodes the spot behind one, and returns what follows.
func (c *chunk) next(s spot) (spot, []byte) {
	seq, n := binary.Varint(c.rest)
	at, m := binary.Uvarint(c.rest[n:])
	return spot{seq: s.seq + uint64(seq), at: int64(uint64(s.at) + at)}, c.rest[n+m:]
}

// later counts the jobs that are due after now.
func (r *run) later(now int64) int {
	if r.n == 0 || r.tail.at <= now {
		return 0
	}
	n := 0
	for _, c := range r.chunks {
		switch {
		case c.last.at <= now:
		case c.first.at > now:
			n += c.n
		default:
			n += c.later(now)
		}
	}
	return n
}

func (c *chunk) later(now int64) int {
	rest := *c
	for s := c.first; s.at <= now; rest.n-- {
		s, rest.rest = rest.next(s)
	}
	return rest.n
}
