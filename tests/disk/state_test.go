package disk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// state is all that a store holds, as texts by name: job/ID, log/ID,
// kv/SPACE/KEY, tick/SCHEDULE.
type state map[string]string

// read reads a store of some workers.
func read(ctx context.Context, s engine.Store, workers int) (state, []engine.Job, error) {
	st := state{}
	var jobs []engine.Job
	filter := engine.Filter{Limit: 500}
	for {
		page, err := s.Jobs(ctx, filter)
		if err != nil {
			return nil, nil, err
		}
		for _, row := range page.Jobs {
			j, err := s.Job(ctx, row.ID)
			if err != nil {
				return nil, nil, fmt.Errorf("job %s is listed: %w", row.ID, err)
			}
			if summary := j.Summary(); !reflect.DeepEqual(row, summary) {
				return nil, nil, fmt.Errorf("job %s is listed as\n%s, and is\n%s", row.ID, plain(row), plain(summary))
			}
			if _, twice := st["job/"+j.ID]; twice {
				return nil, nil, fmt.Errorf("job %s is listed twice", j.ID)
			}
			lines, err := s.Logs(ctx, j.ID, 0, 0)
			if err != nil {
				return nil, nil, fmt.Errorf("log of %s: %w", j.ID, err)
			}
			jobs = append(jobs, j)
			st.add(j, lines)
		}
		if page.Next == "" {
			break
		}
		filter.Cursor = page.Next
	}
	for n := range workers {
		w := fmt.Sprint("w", n)
		keys, err := s.List(ctx, w, "", 10_000)
		if err != nil {
			return nil, nil, err
		}
		for _, k := range keys {
			v, err := s.Get(ctx, w, k)
			if err != nil {
				return nil, nil, err
			}
			st["kv/"+w+"/"+k] = string(v)
		}
		for _, schedule := range []string{w + "-hourly", w + "-other"} {
			at, ok, err := s.LastTick(ctx, schedule)
			if err != nil {
				return nil, nil, err
			}
			if ok {
				st["tick/"+schedule] = at.Format(time.RFC3339Nano)
			}
		}
	}
	return st, jobs, nil
}

func (st state) add(j engine.Job, lines []engine.LogLine) {
	for _, b := range []*[]byte{&j.Input, &j.Output} {
		if len(*b) > 100 {
			*b = []byte(digest(*b))
		}
	}
	st["job/"+j.ID] = plain(j)
	if len(lines) > 0 {
		text, err := json.Marshal(lines)
		if err != nil {
			text = []byte(err.Error())
		}
		st["log/"+j.ID] = string(text)
	}
}

// jobs is how many jobs there are.
func (st state) jobs() (n int) {
	for name := range st {
		if strings.HasPrefix(name, "job/") {
			n++
		}
	}
	return n
}

// differ tells how two states differ, or nil.
func (st state) differ(other state) error {
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(st)) {
		if st[k] != other[k] {
			errs = append(errs, fmt.Errorf("%s was %s, is %s", k, st[k], other[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(other)) {
		if _, ok := st[k]; !ok {
			errs = append(errs, fmt.Errorf("%s was not there, is %s", k, other[k]))
		}
	}
	return errors.Join(errs[:min(len(errs), 5)]...)
}

// later is when every job is due and every lease has ended.
var later = epoch.Add(100 * 24 * time.Hour)

// agree checks that all ways to ask for jobs give the same: the listing, the
// counts, the keys, what may be leased and what has expired. It leases all
// that waits.
func agree(ctx context.Context, s engine.Store, jobs []engine.Job) error {
	counts := map[string]map[engine.State]int{}
	var waiting, running []engine.Job
	for _, j := range jobs {
		switch state := j.StateAt(epoch); {
		case state.Waiting():
			waiting = append(waiting, j)
		case state == engine.Running:
			running = append(running, j)
		}
		if counts[j.Queue] == nil {
			counts[j.Queue] = map[engine.State]int{}
		}
		counts[j.Queue][j.StateAt(epoch)]++
		if j.Key != "" {
			page, err := s.Jobs(ctx, engine.Filter{Key: j.Key})
			if err != nil || !slices.Equal(idsOf(page.Jobs), []string{j.ID}) {
				return fmt.Errorf("the key of job %s finds %v, %v", j.ID, idsOf(page.Jobs), err)
			}
			if err := s.Submit(ctx, engine.Job{ID: "other", Task: "t", Queue: "q", Key: j.Key, State: engine.Ready}); !errors.Is(err, engine.ErrDuplicate) {
				return fmt.Errorf("the key of job %s can be taken again: %v", j.ID, err)
			}
		}
	}
	got, err := s.Counts(ctx, epoch)
	if err != nil {
		return err
	}
	for queue, of := range got {
		maps.DeleteFunc(of, func(_ engine.State, n int) bool { return n == 0 })
		if !maps.Equal(of, counts[queue]) {
			return fmt.Errorf("queue %s counts %v, its jobs are %v", queue, of, counts[queue])
		}
		delete(counts, queue)
	}
	if len(counts) > 0 {
		return fmt.Errorf("the jobs of %v are not counted", counts)
	}
	expired, err := s.Expired(ctx, later, 100_000)
	if err != nil {
		return err
	}
	if got, want := idsOf(expired), idsOf(running); !sameSet(got, want) {
		return fmt.Errorf("running are %v, expired %v", want, got)
	}
	leased, err := s.Lease(ctx, engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 100_000, Worker: "w", Now: later, Until: later})
	if err != nil {
		return err
	}
	slices.SortFunc(waiting, func(a, b engine.Job) int {
		if a.Before(&b) {
			return -1
		}
		return 1
	})
	if got, want := idsOf(leased), idsOf(waiting); !slices.Equal(got, want) {
		return fmt.Errorf("waiting are %v, leased were %v", want, got)
	}
	return nil
}

func idsOf(jobs []engine.Job) []string {
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

func sameSet(a, b []string) bool {
	return strings.Join(slices.Sorted(slices.Values(a)), " ") == strings.Join(slices.Sorted(slices.Values(b)), " ")
}
