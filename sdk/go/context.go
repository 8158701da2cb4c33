package tlo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// Context is one attempt as its task sees it: whether to go on, what to report,
// and which job this is. It is valid until the task returns.
//
// It is a [context.Context] for the functions a task calls. A plugin has one
// thread and no call from outside, so a cancellation is seen only by asking:
// each call of Cancelled, Err or Done asks the host, and one that learns of a
// cancellation closes the channel and cancels every context derived from this
// one. A loop that checks ctx.Err(), or selects on ctx.Done() with a default,
// is therefore right, while a goroutine that is already blocked on the channel
// wakes only when another one asks. At the deadline, and some time after a
// cancellation, the host ends the attempt whatever the task does.
//
// All methods may be called from several goroutines; the source that Rand
// returns may not.
type Context struct {
	// Log writes to the job's log, structured. Its handler passes on every
	// level, [LevelTrace] included; the host decides what is kept.
	Log *slog.Logger

	host     guest.Host
	inner    context.Context
	cancel   context.CancelFunc
	deadline func() time.Time // zero: none
	rand     func() *rand.Rand
}

func newContext(h guest.Host) *Context {
	inner, cancel := context.WithCancel(context.Background())
	return &Context{
		Log:    newLogger(h),
		host:   h,
		inner:  inner,
		cancel: cancel,
		deadline: sync.OnceValue(func() time.Time {
			left, ok := h.Remaining()
			if !ok {
				return time.Time{}
			}
			return time.Now().Add(left)
		}),
		rand: sync.OnceValue(func() *rand.Rand {
			var seed [32]byte
			h.Random(seed[:])
			return rand.New(rand.NewChaCha8(seed))
		}),
	}
}

// Cancelled asks the host whether the attempt is to stop.
func (c *Context) Cancelled() bool { return c.Err() != nil }

// Err asks the host, and returns [context.Canceled] from the moment the attempt
// is to stop. It never returns [context.DeadlineExceeded]: at the deadline the
// host ends the attempt itself.
func (c *Context) Err() error {
	c.poll()
	return c.inner.Err()
}

// Done asks the host, and returns a channel that is closed if the attempt is to
// stop. See [Context] for what wakes a goroutine that waits on it.
func (c *Context) Done() <-chan struct{} {
	c.poll()
	return c.inner.Done()
}

// poll cancels the inner context when the host says so; derived contexts hang
// on that one, and so need no goroutine each.
func (c *Context) poll() {
	if c.inner.Err() == nil && c.host.Cancelled() {
		c.cancel()
	}
}

// Deadline returns when the host will end the attempt, by the plugin's clock;
// false if it will not. It is fixed at the first call.
func (c *Context) Deadline() (time.Time, bool) {
	t := c.deadline()
	return t, !t.IsZero()
}

// Value returns nil for every key of a task's: an attempt carries no values.
func (c *Context) Value(key any) any { return c.inner.Value(key) }

// Progress reports the fraction done, 0 to 1, and optionally what is being
// done. The host clamps the fraction and ignores a NaN.
func (c *Context) Progress(fraction float64, msg ...string) {
	text := ""
	if len(msg) > 0 {
		text = msg[0]
	}
	c.host.Progress(fraction, text)
}

// Config returns a value of the task's config map; false if it is not set.
func (c *Context) Config(key string) (string, bool) { return c.host.Config(key) }

// Rand returns the attempt's source of pseudo-random numbers, seeded afresh by
// the host. Prefer it to the functions of math/rand: attempts may start from a
// frozen image of the plugin, in which those repeat themselves. For secrets use
// crypto/rand, which is fresh too.
func (c *Context) Rand() *rand.Rand { return c.rand() }

// Task returns the name under which the operator configured the task.
func (c *Context) Task() string { return c.meta("task") }

// JobID returns the id of the job, the same for all its attempts.
func (c *Context) JobID() string { return c.meta("job_id") }

// Queue returns the queue the job came from.
func (c *Context) Queue() string { return c.meta("queue") }

// IdempotencyKey returns a key that is the same for all attempts of the job,
// to hand to services that drop repeated requests.
func (c *Context) IdempotencyKey() string { return c.meta("idempotency_key") }

// Attempt returns which attempt of the job this is, from 1; 0 if unknown.
func (c *Context) Attempt() int {
	n, err := strconv.Atoi(c.meta("attempt"))
	if err != nil {
		return 0
	}
	return n
}

// ScheduledAt returns when the job was due; zero if unknown.
func (c *Context) ScheduledAt() time.Time { return c.metaTime("scheduled_at") }

// Tick returns the planned time that made the job; zero unless a schedule did.
func (c *Context) Tick() time.Time { return c.metaTime("tick") }

func (c *Context) meta(key string) string {
	v, _ := c.host.Meta(key)
	return v
}

func (c *Context) metaTime(key string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, c.meta(key))
	if err != nil {
		return time.Time{}
	}
	return t
}

var _ context.Context = (*Context)(nil)
