package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

// watcher shows a job's life on standard error: log lines, attempts, and a
// progress bar where that is a terminal.
type watcher struct {
	w    io.Writer
	logs logPrinter
	bar  *progressbar.ProgressBar
	last server.Change
	told engine.Progress // last printed where there is no bar
}

func newWatcher(w io.Writer) *watcher {
	return &watcher{w: w, logs: logPrinter{w: w}}
}

// change shows one change of the job.
func (t *watcher) change(c server.Change) error {
	j, last := c.Job.Job, t.last.Job
	t.clear()
	if err := t.logs.print(c.Lines); err != nil {
		return err
	}
	for _, a := range j.History[min(len(last.History), len(j.History)):] {
		if a.Verdict != engine.VerdictSucceeded {
			t.line("attempt %d %s after %s: %s", a.Number, a.Verdict, span(a.Duration()), clean(firstLine(a.Error)))
		}
	}
	if j.State == engine.Scheduled && j.State != last.State {
		t.line("the next attempt starts %s", ago(j.RunAt, time.Now()))
	}
	if j.State == engine.Running && j.Progress != last.Progress {
		t.progress(j.Progress)
	}
	t.last = c
	return nil
}

func (t *watcher) line(format string, args ...any) {
	fmt.Fprintf(t.w, "%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

func (t *watcher) progress(p engine.Progress) {
	if terminalWidth(t.w) == 0 {
		if p.Message != t.told.Message || p.Fraction-t.told.Fraction >= 0.1 {
			t.told = p
			t.line("%3.0f%% %s", p.Fraction*100, clean(p.Message))
		}
		return
	}
	if t.bar == nil {
		t.bar = progressbar.NewOptions(1000, progressbar.OptionSetWriter(t.w), progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionShowDescriptionAtLineEnd())
	}
	t.bar.Describe(short(clean(p.Message), 40))
	_ = t.bar.Set(int(p.Fraction * 999)) // a full bar would finish itself
}

// clear takes the bar off the line that is about to be printed.
func (t *watcher) clear() {
	if t.bar != nil {
		_ = t.bar.Clear()
	}
}

func (t *watcher) close() {
	t.clear()
	t.bar = nil
}
