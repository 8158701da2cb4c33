package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3"
	"maragu.dev/goqite"
)

var goqiteSystem = system{
	name: "goqite",
	about: "goqite on SQLite (go-sqlite3) with the settings of its README, one connection and a write-ahead log, and synchronous=FULL. Faster than its own " +
		"runner, which sleeps while all workers are busy: one fetcher receives for all free workers in one transaction, and is woken by submissions " +
		"instead of polling. Batches and groups are one transaction. It keeps no history.",
	batches: true,
	most:    20_000,
	ready: func(context.Context, string) ([]string, error) {
		return []string{moduleVersion("maragu.dev/goqite"), moduleVersion("github.com/mattn/go-sqlite3")}, nil
	},
	open: openGoqite,
}

// goqiteSchema is the library's own file, which it asks its users to copy.
//
//go:embed goqite.sql
var goqiteSchema string

type goqiteQueue struct {
	db   *sql.DB
	q    *goqite.Queue
	crew crew
	wake chan struct{}
}

func openGoqite(ctx context.Context, env env) (_ queue, err error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(env.dir, "goqite.db")+"?_journal=WAL&_timeout=5000&_fk=true&_synchronous=FULL")
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if _, err := db.ExecContext(ctx, goqiteSchema); err != nil {
		return nil, fmt.Errorf("sqlite: make the table: %w", err)
	}
	var mode string
	var synchronous int
	if err := db.QueryRowContext(ctx, "pragma journal_mode").Scan(&mode); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := db.QueryRowContext(ctx, "pragma synchronous").Scan(&synchronous); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if mode != "wal" || synchronous != 2 {
		return nil, fmt.Errorf("sqlite has journal_mode %s and synchronous %d: it must be wal and 2 (full)", mode, synchronous)
	}
	return &goqiteQueue{
		db: db, crew: env.crew, wake: make(chan struct{}, 1),
		q: goqite.New(goqite.NewOpts{DB: db, Name: "jobs", Timeout: lease}),
	}, nil
}

func (q *goqiteQueue) message(j job) goqite.Message {
	m := goqite.Message{Body: j.payload, Priority: 1}
	if j.urgent {
		m.Priority = 2
	}
	return m
}

func (q *goqiteQueue) Submit(ctx context.Context, jobs []job) error {
	defer signalOne(q.wake)
	if len(jobs) == 1 {
		return q.q.Send(ctx, q.message(jobs[0]))
	}
	return q.inTx(ctx, func(tx *sql.Tx) error {
		for _, j := range jobs {
			if err := q.q.SendTx(ctx, tx, q.message(j)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *goqiteQueue) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (q *goqiteQueue) Work(ctx context.Context, led *ledger) error {
	return labour[*goqite.Message]{
		crew: q.crew, wake: q.wake,
		number: func(m *goqite.Message) (int, error) { return jobNumber(m.Body) },
		lease:  q.receive,
		settle: q.remove,
	}.work(ctx, led)
}

func (q *goqiteQueue) receive(ctx context.Context, n int) (list []*goqite.Message, err error) {
	err = q.inTx(ctx, func(tx *sql.Tx) error {
		for len(list) < n {
			m, err := q.q.ReceiveTx(ctx, tx)
			if err != nil || m == nil {
				return err
			}
			list = append(list, m)
		}
		return nil
	})
	return list, err
}

func (q *goqiteQueue) remove(ctx context.Context, list []*goqite.Message) error {
	if len(list) == 1 {
		return q.q.Delete(ctx, list[0].ID)
	}
	return q.inTx(ctx, func(tx *sql.Tx) error {
		for _, m := range list {
			if err := q.q.DeleteTx(ctx, tx, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *goqiteQueue) Drained(context.Context) error { return nil }

func (q *goqiteQueue) Census(ctx context.Context) (census, error) {
	c := census{history: -1}
	if err := q.db.QueryRowContext(ctx, "select count(*) from goqite").Scan(&c.unfinished); err != nil {
		return c, fmt.Errorf("sqlite: %w", err)
	}
	return c, nil
}

func (q *goqiteQueue) Close() error { return q.db.Close() }
