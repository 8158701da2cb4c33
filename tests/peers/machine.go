package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// machine is where and with what a run was made.
type machine struct {
	lines   []string // what does not change during the run
	command string
	before  weather
	after   weather
}

// weather is how busy the machine was.
type weather struct {
	load     string // /proc/loadavg
	syncP50  float64
	syncP99  float64 // of 4 KiB and an fdatasync, milliseconds
	recorded time.Time
}

// inspect checks that all systems can be measured fairly, and describes them.
func inspect(ctx context.Context, o options) (machine, error) {
	m := machine{command: strings.TrimSpace("scripts/peers.sh go run -C tests/peers . " + strings.Join(o.args, " "))}
	disk, err := describeDisk(o.dir)
	if err != nil {
		return m, err
	}
	m.lines = []string{
		fmt.Sprintf("%s, %d cores, GOMAXPROCS %d, %s", processor(), runtime.NumCPU(), runtime.GOMAXPROCS(0), memory()),
		kernel(), disk, runtime.Version(),
	}
	for _, s := range o.systems {
		versions, err := s.ready(ctx, o.dir)
		if err != nil {
			return m, fmt.Errorf("%s: %w", s.name, err)
		}
		if len(versions) > 0 {
			m.lines = append(m.lines, s.name+": "+strings.Join(versions, ", "))
		}
	}
	m.before, err = observe(o.dir)
	return m, err
}

// finish looks again, after the run.
func (m *machine) finish(dir string) (err error) {
	m.after, err = observe(dir)
	return err
}

func (m machine) String() string { return strings.Join(m.lines, "\n") }

// noise says what else went on.
func (m machine) noise() string {
	return fmt.Sprintf("4 KiB and fdatasync: p50 %.2f ms, p99 %.2f ms before, %.2f and %.2f after; load average %s before, %s after; took %s, ended %s",
		m.before.syncP50, m.before.syncP99, m.after.syncP50, m.after.syncP99, m.before.load, m.after.load,
		m.after.recorded.Sub(m.before.recorded).Round(time.Second), m.after.recorded.UTC().Format(time.DateOnly))
}

func observe(dir string) (weather, error) {
	w := weather{recorded: time.Now(), load: "unknown"}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		w.load, _, _ = strings.Cut(string(b), " ")
	}
	waits, err := syncTimes(dir, 200)
	if err != nil {
		return w, err
	}
	w.syncP50, w.syncP99 = quantile(waits, 0.50), quantile(waits, 0.99)
	return w, nil
}

// procLine returns the value of the first "name: value" line of a file in
// /proc.
func procLine(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = f.Close() }()
	for in := bufio.NewScanner(f); in.Scan(); {
		if k, v, ok := strings.Cut(in.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

func processor() string { return procLine("/proc/cpuinfo", "model name") }

func memory() string {
	var kib float64
	if _, err := fmt.Sscanf(procLine("/proc/meminfo", "MemTotal"), "%g kB", &kib); err != nil {
		return "memory unknown"
	}
	return fmt.Sprintf("%.1f GiB of memory", kib/(1<<20))
}

// moduleVersion is that of a dependency of this program.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return path + " " + d.Version
			}
		}
	}
	return path + " of an unknown version"
}

// sourceVersion is the commit of tlo.
func sourceVersion(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if err != nil {
		return "an unknown version"
	}
	return strings.TrimSpace(string(out))
}

// needServer says how to get a server.
func needServer(env string) error {
	return fmt.Errorf("%s is not set: run this through scripts/peers.sh, which starts the servers, or choose others with -peers", env)
}

// until calls f at intervals until it is true.
func until(ctx context.Context, interval time.Duration, f func() (bool, error)) error {
	for {
		if ok, err := f(); ok || err != nil {
			return err
		}
		if err := pause(ctx, interval); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
