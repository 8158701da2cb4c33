package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	riverqueue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const postgresEnv = "TLO_PEERS_POSTGRES"

var river = system{
	name: "river",
	about: "River on PostgreSQL with fsync and synchronous_commit on. The fetch intervals and the number of workers are those of its own benchmark " +
		"(`river bench`): 2 ms, 20 ms, 2,000 in every scenario; 24 connections; batches by InsertManyFast, its quickest way. A job is done when its completion event comes, which is after " +
		"the completion is committed; River does not hold a worker for that.",
	batches: true,
	most:    200_000,
	ready:   riverReady,
	open:    openRiver,
}

const (
	// riverWorkers is what River's own benchmark found best. Holding it to the
	// 16 or 64 of a scenario would slow its draining to a third.
	riverWorkers = 2_000
	// riverConns was best of 8, 24 and 72, also with 64 producers.
	riverConns = 24
)

func riverReady(ctx context.Context, dir string) ([]string, error) {
	db, err := postgres(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	settings := map[string]string{}
	rows, err := db.Query(ctx, "select name, current_setting(name) from pg_settings")
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	var name, value string
	if _, err := pgx.ForEachRow(rows, []any{&name, &value}, func() error { settings[name] = value; return nil }); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	for _, durable := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if settings[durable] != "on" {
			return nil, fmt.Errorf("postgres has %s = %s: it must be on for a fair run", durable, settings[durable])
		}
	}
	if err := sameDisk(settings["data_directory"], dir); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(db), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("river: make its tables: %w", err)
	}
	var taken bool
	if err := db.QueryRow(ctx, "select exists (select from river_job)").Scan(&taken); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if taken {
		return nil, fmt.Errorf("the database in %s has River jobs, which this program would delete: use an empty one", postgresEnv)
	}
	line := "PostgreSQL " + settings["server_version"]
	for _, shown := range []string{"fsync", "synchronous_commit", "wal_sync_method", "shared_buffers", "max_wal_size"} {
		line += fmt.Sprintf(", %s=%s", shown, settings[shown])
	}
	return []string{line, moduleVersion("github.com/riverqueue/river"), moduleVersion("github.com/jackc/pgx/v5")}, nil
}

func postgres(ctx context.Context, conns int) (*pgxpool.Pool, error) {
	url := os.Getenv(postgresEnv)
	if url == "" {
		return nil, needServer(postgresEnv)
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", postgresEnv, err)
	}
	cfg.MaxConns = int32(conns)
	return pgxpool.NewWithConfig(ctx, cfg)
}

// quiet lets errors through: a run with errors in it measures nothing.
var quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))

type riverQueue struct {
	db       *pgxpool.Pool
	inserter *riverqueue.Client[pgx.Tx]
	jobs     int
}

func openRiver(ctx context.Context, env env) (queue, error) {
	db, err := postgres(ctx, riverConns)
	if err != nil {
		return nil, err
	}
	q := &riverQueue{db: db, jobs: env.jobs}
	if err := q.empty(ctx); err != nil {
		db.Close()
		return nil, err
	}
	q.inserter, err = riverqueue.NewClient(riverpgxv5.New(db), riverConfig())
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("river: %w", err)
	}
	return q, nil
}

// riverConfig is that of River's benchmark. The cooldown matters to a client
// that only inserts, too: it is how often that tells the others.
func riverConfig() *riverqueue.Config {
	return &riverqueue.Config{FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond, Logger: quiet}
}

// empty is what River's benchmark does before it begins, and a checkpoint, so
// that this measurement does not pay for the writes of the one before.
func (q *riverQueue) empty(ctx context.Context) error {
	for _, s := range []string{"truncate river_job", "vacuum full river_job", "checkpoint"} {
		if _, err := q.db.Exec(ctx, s); err != nil {
			return fmt.Errorf("postgres: %s: %w", s, err)
		}
	}
	return nil
}

// riverArgs are a payload as it is: River asks for a type that encodes itself.
type riverArgs struct{ json.RawMessage }

func (riverArgs) Kind() string { return "noop" }

var (
	riverUrgent = &riverqueue.InsertOpts{Priority: 1}
	riverNormal = &riverqueue.InsertOpts{Priority: 2}
)

func riverOpts(j job) *riverqueue.InsertOpts {
	if j.urgent {
		return riverUrgent
	}
	return riverNormal
}

func (q *riverQueue) Submit(ctx context.Context, jobs []job) error {
	if len(jobs) == 1 {
		_, err := q.inserter.Insert(ctx, riverArgs{jobs[0].payload}, riverOpts(jobs[0]))
		return err
	}
	params := make([]riverqueue.InsertManyParams, len(jobs))
	for i, j := range jobs {
		params[i] = riverqueue.InsertManyParams{Args: riverArgs{j.payload}, InsertOpts: riverOpts(j)}
	}
	_, err := q.inserter.InsertManyFast(ctx, params)
	return err
}

type riverWorker struct {
	riverqueue.WorkerDefaults[riverArgs]
	led *ledger
}

func (w *riverWorker) Work(_ context.Context, j *riverqueue.Job[riverArgs]) error {
	n, err := jobNumber(j.Args.RawMessage)
	if err != nil {
		return err
	}
	w.led.start(n)
	return nil
}

func (q *riverQueue) Work(ctx context.Context, led *ledger) error {
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, &riverWorker{led: led})
	cfg := riverConfig()
	cfg.Queues = map[string]riverqueue.QueueConfig{riverqueue.QueueDefault: {MaxWorkers: riverWorkers}}
	cfg.Workers = workers
	client, err := riverqueue.NewClient(riverpgxv5.New(q.db), cfg)
	if err != nil {
		return fmt.Errorf("river: %w", err)
	}
	// Events that do not fit are dropped, so all must fit.
	events, unsubscribe := client.SubscribeConfig(&riverqueue.SubscribeConfig{
		ChanSize: q.jobs,
		Kinds:    []riverqueue.EventKind{riverqueue.EventKindJobCompleted, riverqueue.EventKindJobFailed, riverqueue.EventKindJobCancelled},
	})
	failed := make(chan error, 1)
	go func() { failed <- countEvents(events, led) }()
	life := context.WithoutCancel(ctx)
	if err := client.Start(life); err != nil {
		unsubscribe()
		return errors.Join(fmt.Errorf("river: start: %w", err), <-failed)
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
		failed <- nil
	}
	stopping, cancel := context.WithTimeout(life, 30*time.Second)
	defer cancel()
	err = errors.Join(err, client.Stop(stopping))
	unsubscribe()
	return errors.Join(err, <-failed)
}

// countEvents returns when the subscription ends.
func countEvents(events <-chan *riverqueue.Event, led *ledger) error {
	var err error
	for e := range events {
		if e.Kind != riverqueue.EventKindJobCompleted {
			err = errors.Join(err, fmt.Errorf("river: job %d: %s", e.Job.ID, e.Kind))
			continue
		}
		n, bad := jobNumber(e.Job.EncodedArgs)
		if bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		led.end(n)
	}
	return err
}

func (q *riverQueue) Drained(context.Context) error { return nil }

func (q *riverQueue) Census(ctx context.Context) (c census, err error) {
	err = q.db.QueryRow(ctx, "select count(*) filter (where state <> 'completed'), count(*) filter (where state = 'completed' and attempt = 1) from river_job").
		Scan(&c.unfinished, &c.history)
	if err != nil {
		return c, fmt.Errorf("postgres: %w", err)
	}
	return c, nil
}

func (q *riverQueue) Close() error {
	defer q.db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return q.empty(ctx)
}
