package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/server"
	"github.com/tlo-run/tlo/server/client"
)

const patience = time.Minute

// exits is the command exits CODE COMMAND...: like exec, of a command that ends
// with this code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "goroutine ") {
			ts.Fatalf("a stack trace")
		}
	}
}

// hasJSON is the command json FILE PATH [REGEXP]: the value at a path such as
// jobs.0.state is there and, as text, matches as a whole. "!" means that it is
// not there.
func hasJSON(ts *testscript.TestScript, neg bool, args []string) {
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	var v any
	ts.Check(dec.Decode(&v))
	if dec.More() {
		ts.Fatalf("%s has more than one value", args[0])
	}
	for _, key := range strings.Split(args[1], ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if key == "length" {
				v = len(node)
			} else if v = nil; err == nil && i < len(node) {
				v = node[i]
			}
		default:
			v = nil
		}
	}
	text := fmt.Sprint(v)
	switch v.(type) {
	case nil:
		text = ""
	case map[string]any, []any:
		data, err := json.Marshal(v)
		ts.Check(err)
		text = string(data)
	}
	good := v != nil
	if len(args) > 2 {
		good = good && regexp.MustCompile("^(?s:"+args[2]+")$").MatchString(text)
	}
	if good == neg {
		ts.Fatalf("%s is %q", args[1], text)
	}
}

// waitRun is the command waitrun: returns once an engine answers in ./data.
func waitRun(ts *testscript.TestScript, _ bool, _ []string) {
	withEngine(ts, func(context.Context, *client.Client) error { return nil })
}

// waitJob is the command waitjob ID STATE: returns once the job is in the state.
func waitJob(ts *testscript.TestScript, _ bool, args []string) {
	reached := errors.New("reached")
	withEngine(ts, func(ctx context.Context, c *client.Client) error {
		poll(ts, func() error { // another process may be about to submit it
			_, err := c.Job(ctx, args[0])
			return err
		})
		err := c.Follow(ctx, args[0], 0, func(change server.Change) error {
			if string(change.Job.State) == args[1] {
				return reached
			}
			return nil
		})
		if err == nil {
			err = fmt.Errorf("job %s ended, and was never %s", args[0], args[1])
		}
		if errors.Is(err, reached) {
			return nil
		}
		return err
	})
}

func withEngine(ts *testscript.TestScript, f func(context.Context, *client.Client) error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var c *client.Client
	poll(ts, func() (err error) {
		c, err = client.Dial(ctx, ts.MkAbs("data/tlo.sock"))
		return err
	})
	defer c.Close()
	ts.Check(f(ctx, c))
}

// waitLog is the command waitlog FILE REGEXP: returns once the file has it.
func waitLog(ts *testscript.TestScript, _ bool, args []string) {
	wanted := regexp.MustCompile("(?m)" + args[1])
	poll(ts, func() error {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && !wanted.Match(data) {
			err = fmt.Errorf("%s has no %s:\n%s", args[0], args[1], data)
		}
		return err
	})
}

// storeFormat is the command storeformat FILE N: makes a store say that it has
// this format.
func storeFormat(ts *testscript.TestScript, _ bool, args []string) {
	db, err := bbolt.Open(ts.MkAbs(args[0]), 0o600, &bbolt.Options{Timeout: patience})
	ts.Check(err)
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte(args[1])) })
	ts.Check(errors.Join(err, db.Close()))
}

// poll tries until there is no error, for what happens in another process and
// tells nobody.
func poll(ts *testscript.TestScript, try func() error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			ts.Check(err)
		}
	}
}

// signalTo is the command signal NAME PIDFILE.
func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[1])))
	ts.Check(err)
	ts.Check(syscall.Kill(pid, signals[args[0]]))
}
