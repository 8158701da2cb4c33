package tlo

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tlo-run/tlo/internal/typo"
)

// setting is a name in the file and what its value does. Exactly one of text,
// list, dict, flag and raw is set; an error of theirs is a [*valueError].
type setting struct {
	name   string
	wants  string // for people: what to write
	number bool   // text may be written as a number, without quotes
	text   func(string) error
	list   func([]string) error
	dict   func(map[string]string) error
	flag   func(bool)
	raw    func([]byte) // any value as JSON, a string as it is
}

func textSetting(name, wants string, to *string) setting {
	return setting{name: name, wants: wants, text: func(s string) error { *to = s; return nil }}
}

func listSetting(name, wants string, to *[]string) setting {
	return setting{name: name, wants: wants, list: func(l []string) error { *to = l; return nil }}
}

// pathSetting takes a path that counts from base.
func pathSetting(name, wants string, to *string, base string) setting {
	return setting{name: name, wants: wants, text: func(s string) (err error) {
		*to, err = resolve(base, s)
		return err
	}}
}

func pathsSetting(name, wants string, to *[]string, base string) setting {
	return setting{name: name, wants: wants, list: func(l []string) error {
		paths := make([]string, len(l))
		for i, s := range l {
			var err error
			if paths[i], err = resolve(base, s); err != nil {
				return err
			}
		}
		*to = paths
		return nil
	}}
}

func resolve(base, path string) (string, error) {
	if path == "" {
		return "", &valueError{"the path is empty", `write a folder, "." for the config file's own`}
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Join(base, path), nil
}

// enumSetting takes one of a few words.
func enumSetting[T ~string](name string, to *T, words []T) setting {
	return setting{name: name, wants: oneOf(words), text: func(s string) error {
		if err := checkWord(T(s), words); err != nil {
			return err
		}
		*to = T(s)
		return nil
	}}
}

func checkWord[T ~string](s T, words []T) error {
	known := make([]string, len(words))
	for i, w := range words {
		if w == s {
			return nil
		}
		known[i] = string(w)
	}
	hint := typo.DidYouMean(string(s), known)
	if hint == "" {
		hint = "use " + oneOf(words)
	}
	return &valueError{fmt.Sprintf("there is no %q", s), hint}
}

func oneOf[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(string(w)))
	}
	return b.String()
}

// refuseZero is for values whose zero means unset: an explicit zero would
// silently become the default.
func refuseZero[T comparable](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := parse(s)
		var zero T
		if err == nil && v == zero {
			err = &valueError{fmt.Sprintf("%q is too little", s), "write more, or leave it out for the default"}
		}
		return v, err
	}
}

func valueSetting[T comparable](name, wants string, number bool, to *T, parse func(string) (T, error)) setting {
	return setting{name: name, wants: wants, number: number, text: func(s string) error {
		v, err := refuseZero(parse)(s)
		if err == nil {
			*to = v
		}
		return err
	}}
}

// optionalSetting is for values of which zero is as good as any.
func optionalSetting[T any](name, wants string, number bool, to **T, parse func(string) (T, error)) setting {
	return setting{name: name, wants: wants, number: number, text: func(s string) error {
		v, err := parse(s)
		if err == nil {
			*to = &v
		}
		return err
	}}
}

const (
	wantsDuration = `a duration such as "90s", "5m", "1h30m" or "30d"`
	wantsSize     = `a size such as "64KB", "128MiB" or "1GiB"`
	wantsCount    = "a whole number"
	wantsShare    = "a number from 0 to 1"
	wantsFuel     = "a whole number of units such as 1000000000"
)

func durationSetting(name string, to *time.Duration) setting {
	return valueSetting(name, wantsDuration, false, to, ParseDuration)
}

func optionalDuration(name string, to **time.Duration) setting {
	return optionalSetting(name, wantsDuration, false, to, ParseDuration)
}

func sizeSetting(name string, to *int64) setting {
	return valueSetting(name, wantsSize, true, to, ParseSize)
}

func countSetting(name string, to *int) setting {
	return valueSetting(name, wantsCount, true, to, parseCount)
}

func optionalCount(name string, to **int) setting {
	return optionalSetting(name, wantsCount, true, to, parseCount)
}

// ParseDuration reads a duration as the configuration has it: what package time
// reads, and days before it: "30d", "1d12h". A day is 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	bad := &valueError{fmt.Sprintf("%q is not a duration", s), "write " + wantsDuration}
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, bad
		}
		return d, nil
	}
	const day = 24 * time.Hour
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || time.Duration(n) > math.MaxInt64/day-1 {
		return 0, bad
	}
	var d time.Duration
	if rest != "" {
		if d, err = time.ParseDuration(rest); err != nil || d < 0 || d >= day {
			return 0, bad
		}
	}
	return time.Duration(n)*day + d, nil
}

// ParseSize reads a number of bytes as the configuration has it: "64KB", "1GiB".
func ParseSize(s string) (int64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, &valueError{fmt.Sprintf("%q is not a size", s), "write " + wantsSize}
	}
	return int64(n), nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, &valueError{fmt.Sprintf("%q is not a whole number", s), "write a number such as 4"}
	}
	return int(n), nil
}

func parseFuel(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &valueError{fmt.Sprintf("%q is not a number of units", s), "write " + wantsFuel}
	}
	return n, nil
}

func parseShare(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, &valueError{fmt.Sprintf("%q is not a number", s), "write " + wantsShare}
	}
	return f, nil
}
