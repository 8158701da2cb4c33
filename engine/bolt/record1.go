package bolt

import "github.com/tlo-run/tlo/engine"

// Records of version 1: input and output always have rows of their own, and
// the number of log lines is not known.

func decodeHead1(r *reader) (head, error) {
	h := head{state: r.state(), id: r.bytes(), task: r.bytes(), queue: r.bytes(), priority: r.int()}
	r.bytes() // key
	r.bytes() // schedule
	r.time()  // tick
	h.runAt, h.created = r.time(), r.time()
	return h, r.err
}

func decodeRow1(r *reader) (*row, error) {
	j := &row{lines: linesUnknown, farInput: true, farOut: true}
	j.Job = engine.Job{
		State: states[r.state()], ID: r.string(), Task: r.string(), Queue: r.string(), Priority: r.int(), Key: r.string(),
		Schedule: r.string(), Tick: r.time(), RunAt: r.time(), CreatedAt: r.time(), StartedAt: r.time(), FinishedAt: r.time(),
		Attempt: r.int(), Failures: r.int(), Losses: r.int(), Worker: r.string(), LeaseUntil: r.time(),
		Cancelling: r.bool(), Progress: engine.Progress{Fraction: r.float(), Message: r.string()},
		Cause: engine.Cause(r.string()), Error: r.string(),
	}
	if n := r.uint(); n > uint64(len(r.b)) { // each takes seven bytes or more
		r.fail()
	} else if n > 0 {
		j.History = make([]engine.Attempt, n)
	}
	for i := range j.History {
		j.History[i] = engine.Attempt{
			Number: r.int(), Worker: r.string(), StartedAt: r.time(), EndedAt: r.time(),
			Verdict: engine.Verdict(r.string()), Cause: engine.Cause(r.string()), Error: r.string(),
		}
	}
	if r.err == nil && len(r.b) > 0 { // if any used fuel
		for i := range j.History {
			j.History[i].Fuel = r.uint()
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return j, nil
}
