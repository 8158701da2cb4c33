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
	if best == "" && swapped(word, known) >= 0 {
		best = known[swapped(word, known)]
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

// swapped finds the word that has the same letters in another order, which two
// edits of a short word would otherwise hide.
func swapped(word string, known []string) int {
	return slices.IndexFunc(known, func(k string) bool { return len(k) > 2 && letters(k) == letters(word) })
}

func letters(s string) string {
	r := []rune(fold(s))
	slices.Sort(r)
	return string(r)
}

func fold(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }
