package typo

import "testing"

func TestClosest(t *testing.T) {
	known := []string{"timeout", "retry", "min", "max", "data_dir", "Europe/Kyiv", "Europe/Kirov"}
	for word, want := range map[string]string{
		"timout":       "timeout",
		"TIMEOUT":      "timeout",
		"rerty":        "retry",
		"data-dir":     "data_dir",
		"mni":          "min",
		"Europe/Kyyiv": "Europe/Kyiv",
		"europe/kyiv":  "Europe/Kyiv",
		"timeouts_all": "timeout",
		"ret":          "retry",
		"workers":      "",
		"Eu":           "",
		"x":            "",
		"":             "",
	} {
		if got := Closest(word, known); got != want {
			t.Errorf("Closest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := DidYouMean("timout", []string{"timeout"}), `did you mean "timeout"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := DidYouMean("zebra", []string{"timeout"}); got != "" {
		t.Errorf("got %q for a word that is like none", got)
	}
}
