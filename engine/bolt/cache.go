package bolt

// cache keeps jobs from their submission to their lease, so that they need not
// be read. What does not fit is not kept: those that came first leave first.
type cache struct {
	rows  map[uint64]*row // by seq
	bytes int
}

const (
	cacheBytes = 64 << 20
	rowBytes   = 1024 // roughly, beside the input
)

func (c *cache) add(seq uint64, r *row) {
	size := rowBytes + len(r.Input)
	if c.bytes+size > cacheBytes {
		return
	}
	if c.rows == nil {
		c.rows = map[uint64]*row{}
	}
	c.rows[seq] = r
	c.bytes += size
}

// drop returns a row and forgets it; nil if it is not there.
func (c *cache) drop(seq uint64) *row {
	r := c.rows[seq]
	if r != nil {
		delete(c.rows, seq)
		c.bytes -= rowBytes + len(r.Input)
	}
	return r
}
