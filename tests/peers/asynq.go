package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const redisEnv = "TLO_PEERS_REDIS"

const asynqAbout = "asynq on Redis with appendonly and appendfsync always. It looks every 1 to 3 ms for new jobs, instead of every 0.5 to 1.5 s; " +
	"two queues with strict priority; done jobs are retained. No batches: asynq has no call for them. "

var (
	asynq1  = asynqSystem("asynq", 1, asynqAbout+"One server, as in its documentation: it fetches one job at a time, whatever its concurrency.")
	asynq16 = asynqSystem("asynq16", 16, "the same with 16 servers that share the workers, as if 16 processes were run: the most that the workers of single4 can be divided into.")
)

func asynqSystem(name string, servers int, about string) system {
	return system{
		name: name, about: about, most: 20_000, ready: asynqReady,
		open: func(ctx context.Context, env env) (queue, error) { return openAsynq(ctx, env, servers) },
	}
}

const (
	asynqUrgent = "urgent"
	asynqNormal = "normal"
)

func asynqReady(ctx context.Context, dir string) ([]string, error) {
	r, err := redisClient(1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // only reads so far
	size, err := r.DBSize(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if size > 0 {
		return nil, fmt.Errorf("the Redis database in %s has keys, which this program would delete: use an empty one", redisEnv)
	}
	settings, err := r.ConfigGet(ctx, "*").Result()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	for name, want := range map[string]string{"appendonly": "yes", "appendfsync": "always"} {
		if settings[name] != want {
			return nil, fmt.Errorf("redis has %s %s: it must be %s for a fair run", name, settings[name], want)
		}
	}
	if err := sameDisk(settings["dir"], dir); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	info, err := r.Info(ctx, "server").Result()
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	version := "?"
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "redis_version:"); ok {
			version = v
		}
	}
	return []string{
		fmt.Sprintf("Redis %s, appendonly=%s, appendfsync=%s", version, settings["appendonly"], settings["appendfsync"]),
		moduleVersion("github.com/hibiken/asynq"), moduleVersion("github.com/redis/go-redis/v9"),
	}, nil
}

func redisClient(conns int) (*redis.Client, error) {
	url := os.Getenv(redisEnv)
	if url == "" {
		return nil, needServer(redisEnv)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redisEnv, err)
	}
	o.PoolSize = conns
	return redis.NewClient(o), nil
}

type asynqQueue struct {
	redis     *redis.Client
	client    *asynq.Client
	inspector *asynq.Inspector
	servers   int
	workers   int // of each server
}

func openAsynq(ctx context.Context, env env, servers int) (queue, error) {
	// A connection for each producer and worker, and some for the servers.
	r, err := redisClient(env.producers + env.crew.workers + 4*servers)
	if err != nil {
		return nil, err
	}
	q := &asynqQueue{
		redis: r, client: asynq.NewClientFromRedisClient(r), inspector: asynq.NewInspectorFromRedisClient(r),
		servers: servers, workers: max(env.crew.workers/servers, 1),
	}
	if err := q.empty(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return q, nil
}

// empty also shortens the log, which Redis would otherwise do during somebody
// else's measurement.
func (q *asynqQueue) empty(ctx context.Context) error {
	if err := q.redis.FlushDB(ctx).Err(); err != nil {
		return fmt.Errorf("redis: flushdb: %w", err)
	}
	if err := q.redis.BgRewriteAOF(ctx).Err(); err != nil {
		return fmt.Errorf("redis: bgrewriteaof: %w", err)
	}
	return until(ctx, 10*time.Millisecond, func() (bool, error) {
		info, err := q.redis.Info(ctx, "persistence").Result()
		return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0"), err
	})
}

func (q *asynqQueue) Submit(ctx context.Context, jobs []job) error {
	for _, j := range jobs {
		name := asynqNormal
		if j.urgent {
			name = asynqUrgent
		}
		if _, err := q.client.EnqueueContext(ctx, asynq.NewTask("noop", j.payload), asynq.Queue(name), asynq.Retention(time.Hour)); err != nil {
			return err
		}
	}
	return nil
}

func (q *asynqQueue) Work(ctx context.Context, led *ledger) error {
	handler := asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		n, err := jobNumber(t.Payload())
		if err != nil {
			return err
		}
		led.start(n)
		led.end(n) // not yet durable: see Drained
		return nil
	})
	var servers errgroup.Group
	for range q.servers {
		s := asynq.NewServerFromRedisClient(q.redis, asynq.Config{
			Concurrency:       q.workers,
			TaskCheckInterval: 2 * time.Millisecond,
			Queues:            map[string]int{asynqUrgent: 2, asynqNormal: 1},
			StrictPriority:    true,
			LogLevel:          asynq.ErrorLevel,
			ShutdownTimeout:   30 * time.Second,
		})
		servers.Go(func() error {
			if err := s.Start(handler); err != nil {
				return fmt.Errorf("asynq: %w", err)
			}
			<-ctx.Done()
			s.Shutdown()
			return nil
		})
	}
	return servers.Wait()
}

// Drained waits until Redis has the end of every job: asynq tells nobody.
func (q *asynqQueue) Drained(ctx context.Context) error {
	return until(ctx, time.Millisecond, func() (bool, error) {
		c, err := q.Census(ctx)
		return c.unfinished == 0, err
	})
}

// Census needs both queues to have been used, as warming up does.
func (q *asynqQueue) Census(context.Context) (c census, err error) {
	for _, name := range []string{asynqUrgent, asynqNormal} {
		info, err := q.inspector.GetQueueInfo(name)
		if err != nil {
			return c, fmt.Errorf("asynq: %w", err)
		}
		c.unfinished += info.Pending + info.Active + info.Scheduled + info.Retry + info.Archived
		c.history += info.Completed
	}
	return c, nil
}

func (q *asynqQueue) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(q.empty(ctx), q.redis.Close())
}
