package engine

import (
	"sync"
	"time"
)

// EventType says what happened. The ends of attempts are events named as their
// verdicts.
type EventType string

// The events that are not verdicts.
const (
	EventSubmitted  EventType = "submitted"
	EventStarted    EventType = "started"
	EventProgress   EventType = "progress"
	EventLogged     EventType = "logged"
	EventCancelling EventType = "cancelling" // a running job was asked to stop
	EventRevived    EventType = "revived"    // by Retry
)

// Event is something that happened to a job, told after it is durable.
type Event struct {
	Type  EventType `json:"type"`
	At    time.Time `json:"at"`
	Job   Job       `json:"job"`             // as it is now, without input and output
	Lines []LogLine `json:"lines,omitempty"` // of EventLogged
}

// Observer watches jobs. Observe is called from the engine's goroutines, in
// order for each job, and must return at once: the engine waits for it. It must
// not call the engine.
type Observer interface {
	Observe(Event)
}

// ObserverFunc is a function as an [Observer].
type ObserverFunc func(Event)

// Observe calls f.
func (f ObserverFunc) Observe(ev Event) { f(ev) }

// feed hands events to subscribers. One that does not keep up is cut off, so
// that it cannot stall the others.
type feed struct {
	mu   sync.Mutex
	subs map[*subscriber]struct{}
}

type subscriber struct {
	job    string // only events of this job; empty means all
	events chan Event
}

const subscriberBuffer = 256

// subscribe returns a channel of events, closed by stop or when the subscriber
// falls behind.
func (f *feed) subscribe(job string) (events <-chan Event, stop func()) {
	s := &subscriber{job: job, events: make(chan Event, subscriberBuffer)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subs == nil {
		f.subs = map[*subscriber]struct{}{}
	}
	f.subs[s] = struct{}{}
	return s.events, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drop(s)
	}
}

func (f *feed) drop(s *subscriber) {
	if _, ok := f.subs[s]; ok {
		delete(f.subs, s)
		close(s.events)
	}
}

// Observe implements Observer.
func (f *feed) Observe(ev Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		if s.job != "" && s.job != ev.Job.ID {
			continue
		}
		select {
		case s.events <- ev:
		default:
			f.drop(s)
		}
	}
}
