package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// demo is one engine in a directory of its own, and what was found.
type demo struct {
	ctx                      context.Context
	bin, dir, source, photos string
	engine                   *exec.Cmd
	log                      logBuffer
	running, ended           chan struct{}
	exit                     error // once ended
	checks                   []check
}

// say tells what happens, with room before it.
func (d *demo) say(format string, args ...any) {
	fmt.Printf("\n── "+format+"\n", args...)
}

// start returns when the engine says that it runs.
func (d *demo) start() error {
	d.engine = d.command("run")
	stderr, err := d.engine.StderrPipe()
	if err != nil {
		return err
	}
	if err := d.engine.Start(); err != nil {
		return err
	}
	d.running, d.ended = make(chan struct{}), make(chan struct{})
	go func() { // ends with the process, which stop waits for
		defer close(d.ended)
		announced := false
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			fmt.Fprintln(&d.log, lines.Text())
			if !announced && strings.Contains(lines.Text(), "tlo: running") {
				announced = true
				close(d.running)
			}
		}
		d.exit = d.engine.Wait()
	}()
	select {
	case <-d.running:
		return nil
	case <-d.ended:
		return fmt.Errorf("the engine did not start: %w\n%s", d.exit, d.log.String())
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("the engine did not start in two minutes\n%s", d.log.String())
	}
}

// stop interrupts the engine and returns how it ended.
func (d *demo) stop() error {
	_ = d.engine.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-d.ended:
	case <-time.After(30 * time.Second):
		_ = d.engine.Process.Kill()
		<-d.ended
		return errors.New("it had to be killed")
	}
	return d.exit
}

func (d *demo) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(d.ctx, d.bin, args...)
	cmd.Dir = d.dir
	return cmd
}

// tlo runs a verb, shows its standard error, and returns its exit code.
func (d *demo) tlo(input string, stdout io.Writer, args ...string) (exit int, err error) {
	cmd := d.command(args...)
	cmd.Stdin = strings.NewReader(input)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	fmt.Println("$ tlo " + shellLine(args))
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// shellLine is a command as a person would type it.
func shellLine(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, ` "{}'`) {
			quoted[i] = "'" + a + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// logBuffer collects the engine's log.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
