// Package typo guesses what a misspelt word was meant to be.
package typo

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Closest returns the known word nearest to word, or "" if none is near enough
// that a slip of the hand explains it: one edit in three letters. Case and the
// choice of '-' or '_' do not count as edits.
func Closest(word string, known []string) string {
	best, distance := "", len(word)/3+1
	for _, k := range known {
		if d := levenshtein.Distance(fold(word), fold(k), nil); d < distance {
			best, distance = k, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	// What edits do not explain: letters in another order, or a longer or
	// shorter form, as warning is of warn.
	w := fold(word)
	i := slices.IndexFunc(known, func(k string) bool {
		k = fold(k)
		short, long := min(len(k), len(w)), max(len(k), len(w))
		return letters(k) == letters(w) ||
			short >= 3 && 2*short >= long && (strings.HasPrefix(w, k) || strings.HasPrefix(k, w))
	})
	if i >= 0 {
		best = known[i]
	}
	return best
}

// DidYouMean returns `did you mean "known"?` for the closest word, or "".
func DidYouMean(word string, known []string) string {
	if k := Closest(word, known); k != "" {
		return `did you mean "` + k + `"?`
	}
	return ""
}

func letters(s string) string {
	r := []rune(s)
	slices.Sort(r)
	return string(r)
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }
