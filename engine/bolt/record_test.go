package bolt

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var someTimes = []time.Time{
	{}, time.Unix(0, 0).UTC(), time.Unix(-1, 999_999_999).UTC(), time.Date(2026, 3, 1, 12, 0, 0, 1, time.UTC),
	time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(-44, 3, 15, 0, 0, 0, 0, time.UTC),
}

func someRows() []row {
	var jobs []row
	for i, s := range states {
		jobs = append(jobs, row{lines: i - 1, farInput: i%2 == 1, farOut: i%3 == 0, Job: engine.Job{
			ID: "id", Task: "task", Queue: "queue", Priority: -3, Key: "k\x00\xff", Schedule: "s", Tick: someTimes[i],
			State: s, RunAt: someTimes[(i+1)%6], CreatedAt: someTimes[(i+2)%6], StartedAt: someTimes[(i+3)%6],
			FinishedAt: someTimes[(i+4)%6], Attempt: math.MaxInt, Failures: -1, Losses: 300, Worker: "w",
			LeaseUntil: someTimes[(i+5)%6], Cancelling: i%2 == 0,
			Progress: engine.Progress{Fraction: 0.3, Message: "third"}, Cause: "cause", Error: strings.Repeat("e", i*100),
			History: make([]engine.Attempt, i*20),
		}})
		if i%2 == 0 {
			jobs[i].Input = []byte("input")
		}
		for h := range jobs[i].History {
			jobs[i].History[h] = engine.Attempt{Number: h, Worker: "w", StartedAt: someTimes[h%6], EndedAt: someTimes[i],
				Verdict: "v", Cause: "c", Error: "e"}
			if i%2 == 0 {
				jobs[i].History[h].Fuel = uint64(h) << 40
			}
		}
	}
	jobs[0].History = nil
	return append(jobs, row{Job: engine.Job{State: engine.Scheduled}})
}

func someLines() []engine.LogLine {
	return []engine.LogLine{
		{}, {At: someTimes[3], Attempt: -7, Level: engine.Error, Message: "m\n\x1b", Fields: map[string]string{"": "", "a": "b"}},
		{Level: math.MinInt8, Message: strings.Repeat("long", 1000)},
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for _, want := range someRows() {
		got, err := decodeRow(encodeRow(&want))
		if err != nil || !reflect.DeepEqual(got, &want) {
			t.Errorf("job came back as\n%+v (%v), was\n%+v", got, err, want)
		}
	}
	for _, want := range someLines() {
		got, err := decodeLine(encodeLine(&want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("line came back as\n%+v (%v), was\n%+v", got, err, want)
		}
	}
}

func TestRecordsCutShortOrProlongedAreMalformed(t *testing.T) {
	job, line := encodeRow(&someRows()[5]), encodeLine(&someLines()[1])
	for n := range job {
		if _, err := decodeRow(job[:n]); !errors.Is(err, errMalformed) {
			t.Fatalf("a job of %d of %d bytes: %v", n, len(job), err)
		}
	}
	for n := range line {
		if _, err := decodeLine(line[:n]); !errors.Is(err, errMalformed) {
			t.Fatalf("a line of %d of %d bytes: %v", n, len(line), err)
		}
	}
	if _, err := decodeRow(append(job, 0)); !errors.Is(err, errMalformed) {
		t.Errorf("a job with a byte too much: %v", err)
	}
	job[0] = recordVersion + 1
	if _, err := decodeRow(job); !errors.Is(err, errMalformed) || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("a record of a later version: %v", err)
	}
}

func TestInstantsSortAsTimesDo(t *testing.T) {
	for _, a := range someTimes {
		for _, b := range someTimes {
			ka, kb := string(appendInstant(nil, a)), string(appendInstant(nil, b))
			if strings.Compare(ka, kb) != a.Compare(b) {
				t.Errorf("%v and %v sort as %x and %x", a, b, ka, kb)
			}
		}
		if got, err := instantOf(appendInstant(nil, a)); err != nil || !got.Equal(a) {
			t.Errorf("%v came back as %v, %v", a, got, err)
		}
	}
}

// Whatever the bytes are, decoding gives an error or a value that is written
// and read again as the same.
func FuzzJob(f *testing.F) {
	for _, j := range someRows() {
		f.Add(encodeRow(&j))
	}
	f.Add([]byte{})
	f.Add([]byte("\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := decodeRow(b)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeRow(encodeRow(j))
		if math.IsNaN(j.Progress.Fraction) {
			j.Progress.Fraction, again.Progress.Fraction = 0, 0
		}
		if err != nil || !reflect.DeepEqual(again, j) {
			t.Fatalf("%+v came back as %+v, %v", j, again, err)
		}
	})
}

func FuzzLine(f *testing.F) {
	for _, l := range someLines() {
		f.Add(encodeLine(&l))
	}
	f.Add([]byte("\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := decodeLine(b)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again, err := decodeLine(encodeLine(&l)); err != nil || !reflect.DeepEqual(again, l) {
			t.Fatalf("%+v came back as %+v, %v", l, again, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "0", "18446744073709551615", "18446744073709551616", "+1", "01", "x\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		seq, err := decodeCursor(s)
		if err != nil {
			if !errors.Is(err, engine.ErrInvalid) || len(err.Error()) > 500 {
				t.Fatal(err)
			}
			return
		}
		if encodeCursor(seq) != s {
			t.Fatalf("cursor %q came back as %q", s, encodeCursor(seq))
		}
	})
}
