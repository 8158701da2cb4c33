package host

import (
	"context"
	"sync"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// watch uses force on a guest that goes on after it was asked to stop. While
// nothing is asked it costs no goroutine and no timer.
type watch struct {
	stop  func() bool // from waiting for the attempt to be asked
	gone  func() bool // from waiting for it to be abandoned
	force func()

	mu     sync.Mutex
	timer  *time.Timer
	ended  bool
	forced bool
}

// watchOver calls force once, grace after ctx is done or when the attempt is
// abandoned, unless end is called before. Force is used under a lock: it never reaches what runs after end.
func watchOver(ctx context.Context, grace time.Duration, force func()) *watch {
	w := &watch{force: force}
	w.stop = context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			w.timer = time.AfterFunc(grace, w.use)
		}
	})
	w.gone = context.AfterFunc(engine.Abandonment(ctx), w.use)
	return w
}

func (w *watch) use() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended && !w.forced {
		w.forced = true
		w.force()
	}
}

// end ends the watch and reports whether force was used. It may be called again.
func (w *watch) end() (forced bool) {
	w.stop()
	w.gone()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return w.forced
}
