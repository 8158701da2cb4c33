package host

import (
	"context"
	"sync"
	"time"

	"github.com/tlo-run/tlo/host/image"
)

// warmupExport is called once before an image is made, so that what a guest
// prepares at its first use is in the image.
const warmupExport = "tlo_warmup"

// warmupFuel is what warming up may use.
const warmupFuel = 2_000_000_000

// images are those of one program, by the memory limit of the tasks that start
// from them.
type images struct {
	making chan struct{} // held while one is made

	mu      sync.Mutex
	byLimit map[int64]*warmImage
	cold    string // why there are none, as it turned out
}

type warmImage struct {
	*image.Image
	made     time.Time
	attempts int
}

func newImages() *images {
	return &images{making: make(chan struct{}, 1), byLimit: map[int64]*warmImage{}}
}

// take returns the image for that limit and a use of it. Where it is due to be
// made anew, renew is true. Of both results the zero value means that there is
// no image yet, or none at all: then cold says why.
func (s *images) take(limit int64, attempts int, age time.Duration) (im *image.Image, renew bool, cold string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.byLimit[limit]
	if w == nil {
		return nil, false, s.cold
	}
	w.attempts++
	return w.Retain(), w.attempts > attempts || time.Since(w.made) > age, ""
}

// put makes im the image for that limit, and returns what it replaces.
func (s *images) put(limit int64, im *image.Image) (old *image.Image) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.byLimit[limit]; w != nil {
		old = w.Image
	}
	s.byLimit[limit] = &warmImage{Image: im.Retain(), made: time.Now(), attempts: 1}
	return old
}

// current calls do if im is an image from which attempts start now.
func (s *images) current(im *image.Image, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.byLimit {
		if w.Image == im {
			do()
			return
		}
	}
}

func (s *images) setCold(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cold = why
}

// empty returns all images and forgets them.
func (s *images) empty() []*image.Image {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*image.Image
	for limit, w := range s.byLimit {
		all = append(all, w.Image)
		delete(s.byLimit, limit)
	}
	return all
}

// image returns the image from which the attempt starts, with a use of it, or
// nil if it starts anew. The attempt that finds none makes it: if the guest
// fails at that, failed says how.
func (r *run) image(ctx context.Context) (im *image.Image, failed *end, err error) {
	images, limit := r.program.images, r.task.Limits.Memory
	if r.program.Cold != "" || len(r.task.Grants.Files) > 0 {
		return nil, nil, nil
	}
	take := func() (*image.Image, bool, string) {
		return images.take(limit, r.host.imageAttempts, r.host.imageAge)
	}
	im, renew, cold := take()
	if im != nil && !renew || cold != "" {
		return im, nil, nil
	}
	if im != nil {
		select {
		case images.making <- struct{}{}:
		default: // somebody else renews it; until then it will do
			return im, nil, nil
		}
		old := im
		defer func() { r.host.tell(old.Release()) }()
	} else {
		select {
		case images.making <- struct{}{}:
		case <-ctx.Done():
			return nil, nil, notStarted(ctx)
		}
	}
	defer func() { <-images.making }()
	if im, renew, cold = take(); im != nil && !renew || cold != "" {
		return im, nil, nil
	} else if im != nil {
		r.host.tell(im.Release())
	}
	return r.makeImage(ctx, true)
}

// makeImage runs what comes before a task's function, and keeps what is there
// then.
func (r *run) makeImage(ctx context.Context, warmup bool) (*image.Image, *end, error) {
	p := r.program
	i, err := r.host.newInstance(ctx, p, r.task.Limits.Memory, p.declared, r.config)
	if err != nil {
		return nil, nil, internal("start the guest: %v", err)
	}
	defer r.host.discard(i)
	a := r.attemptOf(ctx, r.task.Name)
	e := r.drive(ctx, i, a, r.task.Limits.Fuel, func(guest context.Context) (uint32, error) {
		return 0, r.initialise(guest, i)
	})
	switch {
	case !e.whole():
		return nil, &e, nil
	case a.Asked():
		p.images.setCold("its initialisation asks for the job")
		return nil, nil, nil
	case a.Changed():
		p.images.setCold("its initialisation changes its standard streams")
		return nil, nil, nil
	}
	if warmup && p.warmup {
		e = r.drive(ctx, i, a, warmupFuel, func(guest context.Context) (uint32, error) {
			_, err := i.module.ExportedFunction(warmupExport).Call(guest)
			return 0, err
		})
		if e.forced {
			return nil, &e, nil
		}
		if !e.whole() || a.Asked() || a.Changed() {
			r.host.log.Warn("a plugin failed to warm up, and starts without", "path", p.Path, "error", e.err)
			return r.makeImage(ctx, false)
		}
	}
	im, err := i.capture()
	if err != nil {
		return nil, nil, internal("%v", err)
	}
	if old := p.images.put(r.task.Limits.Memory, im); old != nil {
		r.host.idle.Drop(func(key *image.Image) bool { return key == old })
		r.host.tell(old.Release())
	}
	return im, nil, nil
}

// instance returns a guest that starts from im, or from what the module
// declares if that is nil. It uses up the caller's use of im.
func (r *run) instance(ctx context.Context, im *image.Image) (*instance, error) {
	if im == nil {
		return r.host.newInstance(ctx, r.program, r.task.Limits.Memory, r.program.declared, r.config)
	}
	defer func() { r.host.tell(im.Release()) }()
	if i, ok := r.host.idle.Take(im); ok {
		return i, nil
	}
	return r.host.newInstance(ctx, r.program, r.task.Limits.Memory, im, r.config)
}

// keep wipes an instance and keeps it for the next attempt. It reports false
// where the instance must not serve again.
func (h *Host) keep(p *program, im *image.Image, i *instance) (kept bool) {
	ok, err := i.wipe()
	h.tell(err)
	if !ok {
		return false
	}
	p.images.current(im, func() {
		h.idle.Put(im, i)
		kept = true
	})
	return kept
}

// discard closes an instance that nobody will use.
func (h *Host) discard(i *instance) { h.tell(i.close()) }

// tell logs an error that changes nothing for the attempt.
func (h *Host) tell(err error) {
	if err != nil {
		h.log.Warn("what a guest had stays in memory", "error", err)
	}
}
