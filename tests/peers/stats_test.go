package main

import "testing"

func TestQuantileAndMedian(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99, 1: 100, 0.001: 1} {
		if got := quantile(hundred, q); got != want {
			t.Errorf("quantile(1 to 100, %v) = %v, want %v", q, got, want)
		}
	}
	if got := median([]float64{9, 1, 5}); got != 5 {
		t.Errorf("median of three = %v, want 5", got)
	}
	if got := median([]float64{4, 1, 2, 9}); got != 3 {
		t.Errorf("median of four = %v, want 3", got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999.4: "999", 999.6: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%v) = %s, want %s", v, got, want)
		}
	}
	for v, want := range map[float64]string{0.871: "0.87x", 4.12: "4.1x", 77.4: "77x", 1234: "1,234x"} {
		if got := times(v); got != want {
			t.Errorf("times(%v) = %s, want %s", v, got, want)
		}
	}
}
