// Command peers measures the stores of tlo against other job systems: the same
// jobs, on the same disk, in one interleaved run, with every promise kept that
// each system makes about durability.
//
// It needs Linux, a C compiler (for SQLite) and, for River and asynq, servers
// that scripts/peers.sh installs, starts and stops:
//
//	scripts/peers.sh go run -C tests/peers . -rounds 3 -seconds 2
//
// README.md says what is measured, how each system is tuned, and what the
// numbers do not show.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// options are the flags, checked.
type options struct {
	args      []string
	rounds    int
	fill      time.Duration // how long producers submit
	most      int           // jobs in a measurement of throughput
	limit     time.Duration // of one measurement
	samples   int           // of latency
	depth     int           // jobs in the deep queue
	cold      int           // jobs in the store that is opened
	hold      bool
	dir       string
	markdown  string
	systems   []system
	scenarios []scenario
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{args: args}
	fs := flag.NewFlagSet("peers", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.IntVar(&o.rounds, "rounds", 3, "how often everything is measured; the peers take turns in each round")
	seconds := fs.Float64("seconds", 2, "how long producers submit, in each measurement")
	fs.IntVar(&o.most, "most", 2_000_000, "jobs at which producers stop before their time is over")
	fs.DurationVar(&o.limit, "limit", 3*time.Minute, "how long one measurement may take before the run fails")
	fs.IntVar(&o.samples, "samples", 200, "jobs in a latency measurement")
	fs.IntVar(&o.depth, "depth", 1_000_000, "jobs in the deep queue")
	fs.IntVar(&o.cold, "open", 1_000_000, "jobs in the store that is opened cold")
	settle := fs.String("settle", "wait", "when a worker of tlo takes its next job: wait (its settlement is durable) or go (it is handed in; the job counts as done when durable all the same)")
	fs.StringVar(&o.dir, "dir", os.Getenv("TLO_PEERS_DIR"), "where files go; must be on a disk (default $TLO_PEERS_DIR, else a new directory here)")
	fs.StringVar(&o.markdown, "markdown", "", "write the result to this file too")
	peers := fs.String("peers", names(allSystems, func(s system) string { return s.name }), "what to measure")
	scenarios := fs.String("scenarios", "single4,single64,batch,batchboth,latency,depth,open", "how: "+names(allScenarios, func(s scenario) string { return s.name }))
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.fill = time.Duration(*seconds * float64(time.Second))
	o.hold = *settle == "wait"
	var err error
	if o.systems, err = choose(*peers, "-peers", allSystems, func(s system) string { return s.name }); err != nil {
		return o, err
	}
	if o.scenarios, err = choose(*scenarios, "-scenarios", allScenarios, func(s scenario) string { return s.name }); err != nil {
		return o, err
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: lists are separated by commas", fs.Arg(0))
	case o.rounds < 1 || o.fill <= 0 || o.limit <= o.fill || o.samples < 1:
		return o, errors.New("-rounds, -seconds and -samples must be positive, -limit longer than -seconds")
	case o.most < shallow:
		return o, fmt.Errorf("-most must be at least %d", shallow)
	case o.depth < shallow || o.cold < shallow || max(o.depth, o.cold) > maxJobs:
		return o, fmt.Errorf("-depth and -open take %d to %d jobs", shallow, maxJobs)
	case *settle != "wait" && *settle != "go":
		return o, fmt.Errorf("-settle %q: use wait or go", *settle)
	}
	return o, nil
}

func names[T any](all []T, name func(T) string) string {
	var list []string
	for _, v := range all {
		list = append(list, name(v))
	}
	return strings.Join(list, ",")
}

// choose picks by name, in the order of the list.
func choose[T any](list, option string, all []T, name func(T) string) ([]T, error) {
	var chosen []T
	for want := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(v T) bool { return name(v) == want })
		if i < 0 {
			return nil, fmt.Errorf("%s: there is no %q; there are %s", option, want, names(all, name))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// run measures and reports. What is measured is printed as it comes.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	o.dir, err = os.MkdirTemp(cmp.Or(o.dir, "."), "peers-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w; use -dir", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	m, err := inspect(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, m)
	b := &bench{options: o, out: out}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.measure(ctx); err != nil {
		return err
	}
	if err := m.finish(o.dir); err != nil {
		return err
	}
	r := report{machine: m, results: b.results, options: o}
	if err := r.text(out); err != nil || o.markdown == "" {
		return err
	}
	f, err := os.Create(o.markdown)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.markdown(f)
}
