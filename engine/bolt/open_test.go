package bolt

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

var update = flag.Bool("update", false, "write testdata anew, for a new format version only")

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "tlo.db") }

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// filled returns the path of a closed store with some of everything.
func filled(t testing.TB) string {
	t.Helper()
	path := newPath(t)
	s := mustOpen(t, path)
	if err := errors.Join(fill(t.Context(), s), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// dump writes all that a store holds.
func dump(ctx context.Context, s *Store) (string, error) {
	var b strings.Builder
	page, err := s.Jobs(ctx, engine.Filter{Limit: 1000})
	if err != nil {
		return "", err
	}
	for _, row := range page.Jobs {
		j, err := s.Job(ctx, row.ID)
		if err != nil {
			return "", err
		}
		lines, err := s.Logs(ctx, row.ID, 0, 0)
		if err != nil {
			return "", err
		}
		text, err := json.Marshal([]any{j, lines})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	keys, err := s.List(ctx, "s", "", 1000)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		v, err := s.Get(ctx, "s", k)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s=%s\n", k, v)
	}
	at, ok, err := s.LastTick(ctx, "nightly")
	fmt.Fprintln(&b, at, ok)
	return b.String(), err
}

// expect checks the error of an Open: what it matches and what it says.
func expect(t *testing.T, path string, want error, says ...string) {
	t.Helper()
	s, err := Open(path, Options{})
	if err == nil {
		t.Errorf("%s opened", path)
		_ = s.Close()
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("error is %q, want one that matches %q", err, want)
	}
	for _, part := range append(says, path) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error is %q, it should say %q", err, part)
		}
	}
}

// The fixture was written by the first release of the format: it must open
// for as long as the format has this version.
func TestFormatVersion1Opens(t *testing.T) {
	const fixture = "testdata/v1.db.gz"
	if *update {
		writeFixture(t, fixture)
	}
	f, err := os.Open(fixture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	old, fresh := mustOpen(t, path), mustOpen(t, filled(t))
	if old.Recovered() != 2 {
		t.Errorf("%d jobs recovered, want 2", old.Recovered())
	}
	got, err := dump(t.Context(), old)
	want, err2 := dump(t.Context(), fresh)
	if err := errors.Join(err, err2, old.Check(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the fixture holds\n%s\nwant\n%s", got, want)
	}
}

func writeFixture(t *testing.T, name string) {
	data, err := os.ReadFile(filled(t))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write(data)
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestTheFileIsPrivate(t *testing.T) {
	path := newPath(t)
	mustOpen(t, path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v", st.Mode())
	}
}

func TestOneProcessAtATime(t *testing.T) {
	path := newPath(t)
	s := mustOpen(t, path)
	expect(t, path, engine.ErrLocked, fmt.Sprint("process ", os.Getpid()))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path)
}

func TestRecoveredJobsStayRunningUntilSettled(t *testing.T) {
	path := filled(t)
	for range 2 {
		s := mustOpen(t, path)
		if s.Recovered() != 2 {
			t.Errorf("%d jobs recovered, want 2", s.Recovered())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := write("text", strings.Repeat("not a database\n", 10_000))
	for _, path := range []string{write("one byte", "x"), write("zeros", strings.Repeat("\x00", 40_000)), text} {
		expect(t, path, engine.ErrCorrupt, "restore a backup", "move the file away")
	}
	if b, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(b), "not a database") {
		t.Errorf("a file that is not a store was changed: %v", err)
	}
	expect(t, dir, syscall.EISDIR, "name a file in it")
	expect(t, filepath.Join(dir, "none", "tlo.db"), fs.ErrNotExist, "make the folder first")
}

func TestPermissionDenied(t *testing.T) {
	err := openFailed("tlo.db", &fs.PathError{Op: "open", Path: "tlo.db", Err: fs.ErrPermission})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "must be writable for this user") {
		t.Error(err)
	}
}

// edit changes the file with bbolt itself.
func edit(t *testing.T, path string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOtherFormats(t *testing.T) {
	path := filled(t)
	format := func(v string) func(tx *bbolt.Tx) error {
		return func(tx *bbolt.Tx) error { return metaBucket.of(tx).Put(formatKey, []byte(v)) }
	}
	edit(t, path, format("3"))
	expect(t, path, engine.ErrVersion, "format 3", "up to 2", "newer")
	for _, v := range []string{"", "x", "-1", "0", strings.Repeat("9", 99)} {
		edit(t, path, format(v))
		expect(t, path, engine.ErrCorrupt, "format")
	}
	edit(t, path, format("2"))
	mustOpen(t, path)
}

func TestAnotherProgramsFile(t *testing.T) {
	path := newPath(t)
	edit(t, path, func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	expect(t, path, engine.ErrCorrupt, "without a store in it")
}

// A bbolt file with nothing in it is what is left of a process killed while
// it made the store.
func TestAFileBarelyMadeIsNew(t *testing.T) {
	path := newPath(t)
	edit(t, path, func(*bbolt.Tx) error { return nil })
	if err := fill(t.Context(), mustOpen(t, path)); err != nil {
		t.Error(err)
	}
}
