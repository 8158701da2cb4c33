package examples_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/host/hosttest"
)

// plugin is a committed plugin in the host that tlo runs it in.
type plugin struct {
	host *host.Host
	task engine.TaskDef
}

func loadPlugin(t *testing.T, name string) *plugin {
	t.Helper()
	h, err := host.New(t.Context(), host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return &plugin{host: h, task: engine.TaskDef{Name: name, Plugin: filepath.Join(name, name+".wasm")}}
}

// grant lets the plugin read a folder.
func (p *plugin) grant(guest, path string) {
	p.task.Grants.Files = append(p.task.Grants.Files, engine.FileGrant{Guest: guest, Path: path})
}

// run returns the output, what was reported, and why there is no output.
func (p *plugin) run(t *testing.T, input string) (string, []string, *engine.Failure) {
	t.Helper()
	log := &hosttest.Recorder{}
	res, err := p.host.Execute(t.Context(), p.task, engine.Job{ID: "job", Attempt: 1, Input: []byte(input)}, log)
	f, ok := errors.AsType[*engine.Failure](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return string(res.Output), log.Lines(), f
}

// refuses checks that an input fails the job for good, for that reason.
func (p *plugin) refuses(t *testing.T, input, why string) {
	t.Helper()
	if out, _, f := p.run(t, input); f == nil || !f.Permanent || f.Cause != engine.CauseError || f.Message != why {
		t.Errorf("%q: got %q, %v; want %s", input, out, f, why)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
