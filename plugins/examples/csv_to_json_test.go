package examples_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

const csvToJSON = "csv-to-json/csv-to-json.wasm"

var seed = flag.Uint64("seed", 0, "seed of the random inputs; 0 draws one")

func TestCSVToJSON(t *testing.T) {
	cmd := load(t, csvToJSON, 1024)
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "[]\n"},
		{"byte order mark alone", "\ufeff", "[]\n"},
		{"header alone", "a,b\n", "[]\n"},
		{"order of columns", "b,a\n1,2\n", "[\n{\"b\":\"1\",\"a\":\"2\"}\n]\n"},
		{"no newline at the end", "a,b\n1,2", "[\n{\"a\":\"1\",\"b\":\"2\"}\n]\n"},
		{"CRLF", "a,b\r\n1,2\r\n3,4\r\n", "[\n{\"a\":\"1\",\"b\":\"2\"},\n{\"a\":\"3\",\"b\":\"4\"}\n]\n"},
		{"CR at the end", "a\n1\r", "[\n{\"a\":\"1\"}\n]\n"},
		{"CR inside", "a\n1\r2\n", "[\n{\"a\":\"1\\r2\"}\n]\n"},
		{"byte order mark", "\ufeffa\n1\n", "[\n{\"a\":\"1\"}\n]\n"},
		{"empty fields", "a,b,\n,,\n", "[\n{\"a\":\"\",\"b\":\"\",\"\":\"\"}\n]\n"},
		{"blank lines", "\n\r\na\n\n1\n\n", "[\n{\"a\":\"1\"}\n]\n"},
		{"quoted empty line", "a\n\"\"\n", "[\n{\"a\":\"\"}\n]\n"},
		{"quotes", "a,b\n\"x,\"\"y\"\"\",\" z \"\n", "[\n{\"a\":\"x,\\\"y\\\"\",\"b\":\" z \"}\n]\n"},
		{"line ends in quotes are kept", "a\n\"1\r\n2\n3\"\n", "[\n{\"a\":\"1\\r\\n2\\n3\"}\n]\n"},
		{"control characters", "a\n\x00\x01\x1f\x7f\t\b\\\n", "[\n{\"a\":\"\\u0000\\u0001\\u001f\x7f\\t\\u0008\\\\\"}\n]\n"},
		{"Unicode", "ім'я\nОлеся 🙂 \u2028\n", "[\n{\"ім'я\":\"Олеся 🙂 \u2028\"}\n]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Byte by byte, so that every lookahead meets the end of the buffer.
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in))} {
				var out bytes.Buffer
				code, stderr := cmd.run(t, in, &out)
				if code != 0 || stderr != "" || out.String() != c.want {
					t.Errorf("got exit %d, stderr %q, output\n%s\nwant\n%s", code, stderr, out.String(), c.want)
				}
			}
		})
	}
}

func TestCSVToJSONRefuses(t *testing.T) {
	cmd := load(t, csvToJSON, 1024)
	for _, c := range []struct{ name, in, want string }{
		{"short row", "a,b\n1,2\n3\n", "line 3: 1 fields, but the header has 2"},
		{"long row", "a,b\n1,2,3\n", "line 2: 3 fields, but the header has 2"},
		{"line after a field of several", "a,b\n\"1\n\n\",2\n3\n", "line 5: 1 fields"},
		{"open quote", "a\n1\n\"2\n3\n", "line 3: the quote opened here"},
		{"text after a quote", "a\n\"1\"2\n", "line 2: a closing quote"},
		{"quote in a plain field", "a\n1\"2\"\n", "line 2: a quote inside"},
		{"same column twice", "a,b,a\n", "line 1: two columns"},
		{"header not UTF-8", "a,\xff\n", "line 1: the names"},
		{"header split inside a character", "a\xc3,\xa9\n", "line 1: the names"},
		{"endless record", "a\n\"" + strings.Repeat("x", 17<<20), "line 2: the record that starts here exceeds 16 MiB"},
		{"too many columns", strings.Repeat(",", 1<<16), "line 1: the record that starts here has more than 65536"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stderr := cmd.run(t, strings.NewReader(c.in), io.Discard)
			if code != 65 || !strings.HasPrefix(stderr, c.want) {
				t.Errorf("got exit %d, stderr %q; want 65, %q", code, stderr, c.want)
			}
		})
	}
}

func TestCSVToJSONSaysWhatItReplaced(t *testing.T) {
	var out bytes.Buffer
	// A stray byte, an overlong slash, a surrogate, a truncated euro sign.
	code, stderr := load(t, csvToJSON, 1024).run(t, strings.NewReader("a\nok\n\xff|\xc0\xaf|\xed\xa0\x80|\xe2\x82\n"), &out)
	want := "[\n{\"a\":\"ok\"},\n{\"a\":\"\ufffd|\ufffd\ufffd|\ufffd\ufffd\ufffd|\ufffd\ufffd\"}\n]\n"
	if code != 0 || out.String() != want {
		t.Errorf("got exit %d, output %q; want %q", code, out.String(), want)
	}
	if want := "warning: 8 bytes were no UTF-8 and became U+FFFD, the first in the record at line 3\n"; stderr != want {
		t.Errorf("got stderr %q, want %q", stderr, want)
	}
}

func TestCSVToJSONStreams(t *testing.T) {
	const rows = 400_000
	in := io.MultiReader(
		strings.NewReader("id,text\n"),
		&repeat{line: []byte("4711,\"Ада, \"\"перша\"\" програмістка; fourteen words to make the row a little longer\"\n"), left: rows},
	)
	var out counter
	code, stderr := load(t, csvToJSON, 8).run(t, in, &out) // 8 pages are 512 KiB
	if code != 0 || stderr != "" || out.rows != rows {
		t.Errorf("got exit %d, stderr %q, %d rows; want %d", code, stderr, out.rows, rows)
	}
}

// TestCSVToJSONAgreesWithGo compares with encoding/csv on random inputs, whole
// and broken ones.
func TestCSVToJSONAgreesWithGo(t *testing.T) {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed=%d", s)
	rnd := rand.New(rand.NewPCG(s, 0))
	cmd := load(t, csvToJSON, 1024)
	valid, broken := 0, 0
	for range 4000 {
		in := randomCSV(rnd)
		want, ok := convert(t, in)
		asCRLF := rnd.IntN(2) == 0
		if asCRLF {
			// encoding/csv turns CRLF into LF inside fields too; csv-to-json
			// keeps what is in quotes. So Go reads the version with LF.
			in = strings.ReplaceAll(in, "\n", "\r\n")
		}
		var out bytes.Buffer
		code, stderr := cmd.run(t, strings.NewReader(in), &out)
		if !ok {
			broken++
			if code != 65 || !strings.HasPrefix(stderr, "line ") {
				t.Fatalf("%q: got exit %d, stderr %q; encoding/csv refuses it", in, code, stderr)
			}
			continue
		}
		valid++
		if code != 0 {
			t.Fatalf("%q: got exit %d, stderr %q; encoding/csv accepts it", in, code, stderr)
		}
		if got := normal(t, out.Bytes(), asCRLF); got != want {
			t.Fatalf("%q:\ngot  %s\nwant %s", in, got, want)
		}
	}
	if valid < 1000 || broken < 400 {
		t.Errorf("%d valid and %d broken inputs: the generator tests little", valid, broken)
	}
}

// convert is csv-to-json in Go; false means that the input is refused.
func convert(t *testing.T, in string) (string, bool) {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(in, "\ufeff"))).ReadAll()
	if err != nil {
		return "", false
	}
	objects := []map[string]string{}
	for i, record := range records {
		if i == 0 {
			if len(slices.Compact(slices.Sorted(slices.Values(record)))) != len(record) ||
				slices.ContainsFunc(record, func(s string) bool { return !utf8.ValidString(s) }) {
				return "", false
			}
			continue
		}
		object := map[string]string{}
		for j, field := range record {
			object[records[0][j]] = string([]rune(field)) // one U+FFFD for each bad byte
		}
		objects = append(objects, object)
	}
	raw, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), true
}

// normal brings the guest's JSON into the form that convert returns.
func normal(t *testing.T, raw []byte, fromCRLF bool) string {
	t.Helper()
	var objects []map[string]string
	if err := json.Unmarshal(raw, &objects); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	if fromCRLF {
		for i, object := range objects {
			lf := map[string]string{}
			for k, v := range object {
				lf[strings.ReplaceAll(k, "\r\n", "\n")] = strings.ReplaceAll(v, "\r\n", "\n")
			}
			objects[i] = lf
		}
	}
	out, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// randomCSV makes a file with LF line ends and no CRLF anywhere, and breaks one
// in three at a random place.
func randomCSV(rnd *rand.Rand) string {
	var b strings.Builder
	columns := 1 + rnd.IntN(4)
	for range rnd.IntN(6) {
		for i := range columns {
			if i > 0 {
				b.WriteByte(',')
			}
			field := randomField(rnd)
			if columns == 1 && field == "" || strings.ContainsAny(field, "\",\r\n") || rnd.IntN(4) == 0 {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			b.WriteString(field)
		}
		b.WriteByte('\n')
	}
	s := b.String()
	if s != "" && rnd.IntN(3) == 0 {
		at := rnd.IntN(len(s))
		s = s[:at] + pieces[rnd.IntN(len(pieces))] + s[at+rnd.IntN(2):]
	}
	return crlf.ReplaceAllString(s, "\n")
}

var crlf = regexp.MustCompile(`\r+\n`)

var pieces = []string{
	`"`, ",", "\n", "\r", " ", "\t", "\\", "\x00", "\x1b", "\x7f", "a", "b", "1", "é", "ї", "€", "🙂",
	"\u2028", "\ufffd", "\ufeff", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "</script>",
}

func randomField(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(6) {
		b.WriteString(pieces[rnd.IntN(len(pieces))])
	}
	return b.String()
}

// repeat reads a line so many times.
type repeat struct {
	line []byte
	left int
	rest []byte
}

func (r *repeat) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.left == 0 {
			return 0, io.EOF
		}
		r.left--
		r.rest = r.line
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// counter counts the objects written to it.
type counter struct{ rows int }

func (c *counter) Write(p []byte) (int, error) {
	c.rows += bytes.Count(p, []byte("{"))
	return len(p), nil
}
