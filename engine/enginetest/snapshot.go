package enginetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// The spaces and schedules that the tests use: a store cannot list them.
var (
	spaces    = []string{"s", "t"}
	schedules = []string{"hourly", "nightly"}
)

func (k *kit) snapshot(now time.Time) string {
	k.Helper()
	s, err := snapshot(k.ctx, k.Store, now)
	k.ok(err)
	return s
}

// snapshot writes all that a store holds, through its questions.
func snapshot(ctx context.Context, s engine.Store, now time.Time) (string, error) {
	var b strings.Builder
	line := func(what string, v any, err error) error {
		fmt.Fprintf(&b, "%s %s\n", what, text(v))
		return err
	}
	f := engine.Filter{Now: now, Limit: 7}
	for {
		page, err := s.Jobs(ctx, f)
		if err != nil {
			return "", err
		}
		for _, j := range page.Jobs {
			full, err := s.Job(ctx, j.ID)
			if err := line("job", full, err); err != nil {
				return "", err
			}
			if text(j) != text(full.Summary()) {
				return "", fmt.Errorf("job %s is listed as %s but is %s", j.ID, text(j), text(full))
			}
			lines, err := s.Logs(ctx, j.ID, 0, 0)
			if err := line("logs", lines, err); err != nil {
				return "", err
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	counts, err := s.Counts(ctx, now)
	if err := line("counts", counts, err); err != nil {
		return "", err
	}
	for _, space := range spaces {
		keys, err := s.List(ctx, space, "", 1000)
		if err := line(space, keys, err); err != nil {
			return "", err
		}
		for _, key := range keys {
			v, err := s.Get(ctx, space, key)
			if err := line(key, v, err); err != nil {
				return "", err
			}
		}
	}
	for _, name := range schedules {
		at, ok, err := s.LastTick(ctx, name)
		if err := line(name, []any{at, ok}, err); err != nil {
			return "", err
		}
	}
	expired, err := s.Expired(ctx, now, 1000)
	if err := line("expired", expired, err); err != nil {
		return "", err
	}
	at, ok, err := s.NextExpiry(ctx)
	return b.String() + text([]any{at, ok}), err
}
