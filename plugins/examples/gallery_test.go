package examples_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestChecksum(t *testing.T) {
	p := loadPlugin(t, "checksum")
	// The lengths around which the padding changes.
	for _, n := range []int{0, 1, 55, 56, 63, 64, 65, 119, 120, 1 << 16, 1<<20 + 1} {
		in := strings.Repeat("x", n)
		want := fmt.Sprintf("%x  -\n", sha256.Sum256([]byte(in)))
		if out, _, f := p.run(t, in); f != nil || out != want {
			t.Errorf("%d bytes: got %q, %v; want %q", n, out, f, want)
		}
	}
}

func TestChecksumOfFiles(t *testing.T) {
	p := loadPlugin(t, "checksum")
	dir := t.TempDir()
	p.grant("/src", dir)
	var want string
	for _, name := range []string{"B", "a/deep/er", "a/x", "é"} {
		content := strings.Repeat(name, 50_000)
		write(t, filepath.Join(dir, name), content)
		want += fmt.Sprintf("%x  /src/%s\n", sha256.Sum256([]byte(content)), name)
	}
	if err := os.Symlink("B", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	out, said, f := p.run(t, `{"root":"/src"}`)
	if f != nil || out != want {
		t.Errorf("got\n%s%v, want\n%s", out, f, want)
	}
	if want := `warn "skipped: a link" folder="/src" name="link"`; !slices.Contains(said, want) {
		t.Errorf("got %q, want %s", said, want)
	}
	if want := `progress 1 "/src/é"`; !slices.Contains(said, want) {
		t.Errorf("got %q, want %s", said, want)
	}
	p.refuses(t, `{"root":7}`, `input: root is a path such as "/src"`)
	if _, _, f := p.run(t, `{"root":"/etc"}`); f == nil || f.Permanent || !strings.HasPrefix(f.Message, "read /etc: ") {
		t.Errorf("outside of the grant: %v", f)
	}
}

const appLog = "10:01 INFO up\n10:02 ERROR job 17 timed out\n\n10:03 warning: disk 91% full\n10:04 ERROR job 4af2 timed out\r\n" +
	"10:05 FATAL \xff\n10:06 terror is no level\n10:07 level=err msg=\"other\"\n10:08 WARN disk 92% full"

func TestLogDigest(t *testing.T) {
	p := loadPlugin(t, "log-digest")
	p.task.Config = map[string]string{"top": "3"}
	dir := t.TempDir()
	p.grant("/logs", dir)
	write(t, filepath.Join(dir, "app.log"), appLog)
	want := `{"lines":9,"levels":{"fatal":1,"error":3,"warn":2},"different":5,"not_compared":0,"problems":[` +
		`{"level":"fatal","count":1,"first_line":6,"example":"10:05 FATAL ` + "\ufffd" + `"},` +
		`{"level":"error","count":2,"first_line":2,"example":"10:02 ERROR job 17 timed out"},` +
		`{"level":"error","count":1,"first_line":8,"example":"10:07 level=err msg=\"other\""}]}`
	for _, input := range []string{appLog, `{"file":"/logs/app.log"}`} {
		if out, _, f := p.run(t, input); f != nil || out != want {
			t.Errorf("%.30q: got %v\n%s\nwant\n%s", input, f, out, want)
		}
	}
	if _, _, f := p.run(t, `{"file":"/logs/none"}`); f == nil || f.Permanent || !strings.HasPrefix(f.Message, "open /logs/none: ") {
		t.Errorf("no such file: %v", f)
	}
	p.refuses(t, `{"file":1}`, `input: file is a path such as "/logs/app.log"`)
	p.task.Config["top"] = "many"
	p.refuses(t, "", `config: top is "many": use a number`)
}

func TestHistogram(t *testing.T) {
	p := loadPlugin(t, "histogram")
	p.task.Config = map[string]string{"buckets": "2"}
	out, said, f := p.run(t, "12\r\n1\n\n12\n5\n1x\n-\n")
	want := `{"count":4,"skipped":2,"min":1,"mean":7.5,"p50":5,"p90":12,"p99":12,"max":12,` +
		`"buckets":[{"from":1,"count":2},{"from":6.5,"count":2}]}`
	if f != nil {
		t.Fatal(f)
	}
	sameJSON(t, out, want)
	if want := `warn "skipped: no number" line="6" text="1x"`; !slices.Contains(said, want) {
		t.Errorf("got %q, want %s", said, want)
	}
	out, _, f = p.run(t, "7\n7")
	if f != nil {
		t.Fatal(f)
	}
	sameJSON(t, out, `{"count":2,"skipped":0,"min":7,"mean":7,"p50":7,"p90":7,"p99":7,"max":7,"buckets":[{"from":7,"count":2}]}`)
	p.refuses(t, "none\n", "input: it has no numbers, one a line")
	p.task.Config["buckets"] = "0"
	p.refuses(t, "1", "config: buckets is 0: use 1 to 100")
}

func TestHistogramOfMany(t *testing.T) {
	p := loadPlugin(t, "histogram")
	const n = 20_000
	var in strings.Builder
	for i := range n {
		in.WriteString(strconv.Itoa(i*7919%n) + "\n") // each number below n once
	}
	out, said, f := p.run(t, in.String())
	if f != nil {
		t.Fatal(f)
	}
	var got struct {
		Count         int
		P50, P90, P99 float64
		Buckets       []struct{ Count int }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Count != n || got.P50 != n/2-1 || got.P90 != n*0.9-1 || got.P99 != n*0.99-1 {
		t.Errorf("got %+v", got)
	}
	for _, b := range got.Buckets {
		if b.Count != n/10 {
			t.Errorf("got %+v, want all of %d", got.Buckets, n/10)
			break
		}
	}
	if len(said) != n/4096+1 {
		t.Errorf("reported %q", said)
	}
}

func TestINIToJSON(t *testing.T) {
	p := loadPlugin(t, "ini-to-json")
	out, said, f := p.run(t, "\ufeffname = tlo\r\n; comment\n# comment\n\n[server] ; main\nhost: a.example ; main\nmotto = \" kept # \" \n"+
		"empty=\nurl=http://x/#y\n[ other ]\nім'я = Ада \"x\"\n[server]\nhost = b\n")
	want := `{"name":"tlo","server":{"host":"b","motto":" kept # ","empty":"","url":"http://x/#y"},"other":{"ім'я":"Ада \"x\""}}`
	if f != nil || out != want {
		t.Errorf("got %v\n%s\nwant\n%s", f, out, want)
	}
	if want := []string{`warn "replaced: the key was there before" key="host" line="13" section="server"`}; !slices.Equal(said, want) {
		t.Errorf("reported %q, want %q", said, want)
	}
	if out, _, f := p.run(t, ""); f != nil || out != "{}" {
		t.Errorf("nothing: got %q, %v", out, f)
	}
	for input, why := range map[string]string{
		"a\xff=1":        "input: it is not UTF-8",
		"a=1\nnonsense":  "input: line 2: neither [section] nor key = value",
		"[a\n":           "input: line 1: a section is [name]",
		"[]":             "input: line 1: a section is [name]",
		"[a] b":          "input: line 1: a section is [name]",
		" = 1":           "input: line 1: no key before =",
		"a=1\n[a]":       "input: section a is a key too",
		"[b]\n[]":        "input: line 2: a section is [name]",
		"\n\n: nothing:": "input: line 3: no key before :",
	} {
		p.refuses(t, input, why)
	}
}

func sameJSON(t *testing.T, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %s, want %s", got, want)
	}
}
