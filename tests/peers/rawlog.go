package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var rawlog = system{
	name: "rawlog",
	about: "no system but the limit of the disk: an append-only log, zero-filled beforehand, with group commit, one write and one fdatasync for all " +
		"callers that wait. A job is a record when submitted and a record when done; what is due is a list in memory.",
	batches: true,
	ready:   func(context.Context, string) ([]string, error) { return nil, nil },
	open:    openRawlog,
}

// A record is its kind, the job's number and, if it is a submission, the
// payload.
const (
	recordSubmit = 1
	recordDone   = 2
	recordHead   = 1 + 8 + 4
)

// gather is how long a group may wait for the callers that the group before
// released: they are about to come back, and would miss this one.
const gather = 60 * time.Microsecond

type rawQueue struct {
	file *os.File
	crew crew
	wake chan struct{}

	mu     sync.Mutex
	group  *logGroup // collects
	due    []int
	closed bool

	more chan struct{} // the group has something, or the queue is closed
	done chan struct{} // the writer has ended
	end  int64         // of the log; the writer's alone until done
}

// logGroup is the records that share one write.
type logGroup struct {
	records []byte
	callers int
	synced  chan struct{}
	err     error // valid once synced is closed
}

func newLogGroup() *logGroup { return &logGroup{synced: make(chan struct{})} }

func openRawlog(_ context.Context, env env) (queue, error) {
	f, err := os.OpenFile(filepath.Join(env.dir, "raw.log"), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	// Blocks that were written before need no change of metadata.
	size := int64(env.jobs) * (int64(len(newJob(0).payload)) + 2*recordHead)
	if err := zeroFill(f, size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	q := &rawQueue{
		file: f, crew: env.crew, wake: make(chan struct{}, 1), group: newLogGroup(),
		more: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go q.write()
	return q, nil
}

func zeroFill(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(block)) {
		if _, err := f.WriteAt(block, at); err != nil {
			return fmt.Errorf("fill the log: %w", err)
		}
	}
	return f.Sync()
}

// append adds records of a caller and waits until they are on the disk.
func (q *rawQueue) append(records func(buf []byte) []byte) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return os.ErrClosed
	}
	g := q.group
	g.records = records(g.records)
	g.callers++
	q.mu.Unlock()
	signalOne(q.more)
	<-g.synced
	return g.err
}

// write is the one goroutine that touches the file. Close ends it.
func (q *rawQueue) write() {
	defer close(q.done)
	released := 0
	for range q.more {
		q.gather(released)
		q.mu.Lock()
		g, closed := q.group, q.closed
		q.group = newLogGroup()
		q.mu.Unlock()
		if g.callers > 0 {
			_, g.err = q.file.WriteAt(g.records, q.end)
			if g.err == nil {
				g.err = unix.Fdatasync(int(q.file.Fd()))
			}
			q.end += int64(len(g.records))
			released = g.callers
			close(g.synced)
		}
		if closed {
			return
		}
	}
}

// gather spins, because no timer is that exact.
func (q *rawQueue) gather(callers int) {
	for start := time.Now(); time.Since(start) < gather; runtime.Gosched() {
		q.mu.Lock()
		enough := q.group.callers >= callers || q.closed
		q.mu.Unlock()
		if enough {
			return
		}
	}
}

func record(buf []byte, kind byte, n int, payload []byte) []byte {
	buf = append(buf, kind)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(n))
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(payload)))
	return append(buf, payload...)
}

func (q *rawQueue) Submit(_ context.Context, jobs []job) error {
	numbers := make([]int, len(jobs))
	for i, j := range jobs {
		var err error
		if numbers[i], err = jobNumber(j.payload); err != nil {
			return err
		}
	}
	err := q.append(func(buf []byte) []byte {
		for i, j := range jobs {
			buf = record(buf, recordSubmit, numbers[i], j.payload)
		}
		return buf
	})
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.due = append(q.due, numbers...)
	q.mu.Unlock()
	signalOne(q.wake)
	return nil
}

func (q *rawQueue) Work(ctx context.Context, led *ledger) error {
	return labour[int]{
		crew: q.crew, wake: q.wake,
		number: func(n int) (int, error) { return n, nil },
		lease: func(_ context.Context, n int) ([]int, error) {
			q.mu.Lock()
			defer q.mu.Unlock()
			n = min(n, len(q.due))
			due := q.due[:n:n]
			q.due = q.due[n:]
			return due, nil
		},
		settle: func(_ context.Context, numbers []int) error {
			return q.append(func(buf []byte) []byte {
				for _, n := range numbers {
					buf = record(buf, recordDone, n, nil)
				}
				return buf
			})
		},
	}.work(ctx, led)
}

func (q *rawQueue) Drained(context.Context) error { return nil }

// Census reads the log back. Nothing may be appended meanwhile.
func (q *rawQueue) Census(context.Context) (c census, err error) {
	q.mu.Lock()
	end := q.end
	q.mu.Unlock()
	log := make([]byte, end)
	if _, err := io.ReadFull(io.NewSectionReader(q.file, 0, end), log); err != nil {
		return c, fmt.Errorf("read the log: %w", err)
	}
	for len(log) > 0 {
		size := recordHead + int(binary.LittleEndian.Uint32(log[9:recordHead]))
		switch log[0] {
		case recordSubmit:
			c.unfinished++
		case recordDone:
			c.unfinished--
			c.history++
		default:
			return c, fmt.Errorf("the log has a record of kind %d", log[0])
		}
		log = log[size:]
	}
	return c, nil
}

func (q *rawQueue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	signalOne(q.more)
	<-q.done
	return q.file.Close()
}
