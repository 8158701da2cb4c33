// Package client speaks the API of package server: to an engine on its Unix
// socket, or to a handler in the same process.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

// Client makes calls. Its methods are safe for concurrent use; their errors
// match the engine's, as [server.Error] tells.
type Client struct {
	http  http.Client
	close func() error
}

// Dial connects to the engine that serves a Unix socket. The error is that of
// the connection: nobody serves there.
func Dial(ctx context.Context, socket string) (*Client, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // it only showed that somebody is there
	return newClient(dial), nil
}

// Local speaks to a handler in this process, over connections in memory, so
// that it behaves as over a socket. Close ends the serving.
func Local(h http.Handler) *Client {
	l := newListener()
	srv := &http.Server{Handler: h}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l) // returns when closed, and cannot fail otherwise
	}()
	c := newClient(l.dial)
	c.close = func() error {
		err := srv.Close()
		<-served
		return err
	}
	return c
}

func newClient(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *Client {
	return &Client{
		http: http.Client{
			Transport:     &http.Transport{DialContext: dial},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the API has none
		},
		close: func() error { return nil },
	}
}

// Close ends the client's connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return c.close()
}

// Status says what serves.
func (c *Client) Status(ctx context.Context) (s server.Status, err error) {
	return s, c.get(ctx, "/v1/status", nil, &s)
}

// Tasks lists the tasks and the plugins that could not be loaded.
func (c *Client) Tasks(ctx context.Context) (t server.Tasks, err error) {
	return t, c.get(ctx, "/v1/tasks", nil, &t)
}

// Schedules lists the schedules.
func (c *Client) Schedules(ctx context.Context) (s []engine.ScheduleStatus, err error) {
	return s, c.get(ctx, "/v1/schedules", nil, &s)
}

// Fire submits the jobs of all ticks that are due now.
func (c *Client) Fire(ctx context.Context) (jobs []server.Job, err error) {
	return jobs, c.call(ctx, "POST", "/v1/schedules/fire", nil, nil, &jobs)
}

// Submit adds jobs, all or none.
func (c *Client) Submit(ctx context.Context, submissions ...server.Submission) (jobs []server.Job, err error) {
	return jobs, c.call(ctx, "POST", "/v1/jobs", nil, submissions, &jobs)
}

// Jobs returns a page of jobs, newest first.
func (c *Client) Jobs(ctx context.Context, f engine.Filter) (page server.Page, err error) {
	q := url.Values{}
	for name, v := range map[string]string{
		"task": f.Task, "queue": f.Queue, "schedule": f.Schedule, "key": f.Key, "cursor": f.Cursor,
		"since": instant(f.Since), "until": instant(f.Until),
	} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for _, s := range f.States {
		q.Add("state", string(s))
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return page, c.get(ctx, "/v1/jobs", q, &page)
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// Job returns one job with its history.
func (c *Client) Job(ctx context.Context, id string) (j server.Job, err error) {
	return j, c.get(ctx, jobPath(id, ""), nil, &j)
}

// Cancel ends a waiting job, or asks a running one to stop.
func (c *Client) Cancel(ctx context.Context, id string) (j server.Job, err error) {
	return j, c.call(ctx, "POST", jobPath(id, "/cancel"), nil, nil, &j)
}

// Retry makes a failed or cancelled job run again.
func (c *Client) Retry(ctx context.Context, id string) (j server.Job, err error) {
	return j, c.call(ctx, "POST", jobPath(id, "/retry"), nil, nil, &j)
}

// Logs returns the log lines of a job after a sequence number.
func (c *Client) Logs(ctx context.Context, id string, after uint64) (lines []engine.LogLine, err error) {
	return lines, c.get(ctx, jobPath(id, "/logs"), url.Values{"after": {strconv.FormatUint(after, 10)}}, &lines)
}

// Output copies the exact bytes of a job's output to w.
func (c *Client) Output(ctx context.Context, id string, w io.Writer) error {
	resp, err := c.do(ctx, "GET", jobPath(id, "/output"), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

// Follow calls f with each change of a job and its log lines after a sequence
// number, until the job has ended or f returns an error, which it returns.
func (c *Client) Follow(ctx context.Context, id string, after uint64, f func(server.Change) error) error {
	resp, err := c.do(ctx, "GET", jobPath(id, "/follow"), url.Values{"after": {strconv.FormatUint(after, 10)}}, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	for {
		var change server.Change
		switch err := dec.Decode(&change); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("the engine stopped before job %s had ended; see tlo show %s", id, id)
		}
		if err := f(change); err != nil {
			return err
		}
		if change.Job.State.Terminal() {
			return nil
		}
	}
}

// lostID returns the id of a job's path that no server would see as one, for
// it is cleaned away there.
func lostID(u *url.URL) (id string, lost bool) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), jobPath("", ""))
	id, _, _ = strings.Cut(rest, "/")
	return id, ok && (id == "" || id == "." || id == "..")
}

func jobPath(id, verb string) string { return "/v1/jobs/" + url.PathEscape(id) + verb }

func (c *Client) get(ctx context.Context, path string, q url.Values, v any) error {
	return c.call(ctx, "GET", path, q, nil, v)
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, body, v any) error {
	resp, err := c.do(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("the engine's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// do returns a successful response, or the API's error.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body any) (*http.Response, error) {
	var data io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		data = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://tlo"+path, data)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = q.Encode()
	if id, ok := lostID(req.URL); ok {
		return nil, server.NoJob(id)
	}
	resp, err := c.http.Do(req)
	switch failed, ok := errors.AsType[*url.Error](err); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case ok:
		return nil, fmt.Errorf("the engine does not answer: %w", failed.Err) // its URL means nothing to people
	case err != nil:
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var answer struct{ Error server.Error }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Error.Message == "" {
		return nil, fmt.Errorf("the engine answered %s %s with %s", method, path, resp.Status)
	}
	return nil, &answer.Error
}
