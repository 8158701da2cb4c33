package bolt

import "github.com/tlo-run/tlo/engine"

// lateWindow is how many late settlements may be under way.
const lateWindow = 4096

// SettleLate implements [engine.LateSettler].
func (s *Store) SettleLate(settlements []engine.Settlement, done func([]engine.Settled, error)) error {
	answers := make([]engine.Settled, len(settlements))
	o := &op{size: len(settlements), run: settling(settlements, answers)}
	o.late = func(err error) {
		if err != nil {
			answers = nil
		}
		done(answers, err)
	}
	s.window <- struct{}{}
	s.mu.Lock()
	if err := s.usable(); err != nil {
		s.mu.Unlock()
		<-s.window
		return err
	}
	s.enqueue(o)
	s.mu.Unlock()
	s.signal()
	return nil
}

// teller tells of late settlements, so that the writer need not wait for those
// who listen. It runs until the writer has ended.
func (s *Store) teller() {
	defer close(s.stopped)
	for o := range s.told {
		<-s.window
		o.late(o.err)
	}
}
