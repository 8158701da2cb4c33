package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// quantile returns the smallest value that at least the fraction q of all
// values does not exceed. It sorts values; there must be one.
func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	i := int(math.Ceil(q*float64(len(values)))) - 1
	return values[max(i, 0)]
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// thousands shows a count: 1,234,567.
func thousands(v float64) string {
	s := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func millis(v float64) string  { return fmt.Sprintf("%.2f", v) }
func seconds(v float64) string { return fmt.Sprintf("%.2f", v) }
func decimal(v float64) string { return fmt.Sprintf("%.1f", v) }

// times shows a factor with two digits that count: 0.87x, 4.1x, 77x.
func times(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.2fx", v)
	case v < 10:
		return fmt.Sprintf("%.1fx", v)
	}
	return thousands(v) + "x"
}
