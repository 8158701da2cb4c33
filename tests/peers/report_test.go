package main

import (
	"strings"
	"testing"
)

func TestReportComparesMedians(t *testing.T) {
	sc := scenario{name: "s", about: "what it is.", metrics: []metric{
		{name: "jobs/s", ratio: true, show: thousands},
		{name: "p50 ms", ratio: true, less: true, show: millis},
	}}
	absent := scenario{name: "absent", about: "nobody.", metrics: sc.metrics}
	ours, theirs := memStore, system{name: "other", about: "a peer."}
	r := report{options: options{rounds: 3, systems: []system{theirs, ours}, scenarios: []scenario{sc, absent}}}
	for _, v := range []float64{9000, 8000, 1} {
		r.results.add("s", "mem", reading{metric: "jobs/s", value: v})
	}
	for _, v := range []float64{1000, 1200, 900} {
		r.results.add("s", "other", reading{metric: "jobs/s", value: v})
	}
	r.results.add("s", "mem", reading{metric: "p50 ms", value: 0.5})
	r.results.add("s", "other", reading{metric: "p50 ms", value: 2})

	var page strings.Builder
	if err := r.markdown(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## s\n\nWhat it is.\n",
		"|  | jobs/s | mem is | p50 ms | mem is |\n|---|---|---|---|---|\n",
		"| other | 1,000 (900–1,200) | 8.0x | 2.00 | 4.0x |\n",
		"| mem | 8,000 (1–9,000) |  | 0.50 |  |\n",
		"- **other**: a peer.\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, page.String())
		}
	}
	if strings.Contains(page.String(), "absent") {
		t.Error("the page has a scenario that nobody took part in")
	}
	var terminal strings.Builder
	if err := r.text(&terminal); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(terminal.String(), "other  1,000 (900–1,200)  8.0x") {
		t.Errorf("the text lacks the row of a peer:\n%s", terminal.String())
	}
}

func TestReportComparesWithWhatIsDurable(t *testing.T) {
	durable := tlo("durable", "", false, memStore.store)
	for want, systems := range map[string][]system{
		"durable": {memStore, rawlog, durable},
		"mem":     {rawlog, memStore},
		"":        {rawlog},
	} {
		r := report{options: options{systems: systems}}
		if got := r.base(); got != want {
			t.Errorf("compared with %q, want %q", got, want)
		}
	}
}

func TestReportWithoutTlo(t *testing.T) {
	r := report{options: options{systems: []system{goqiteSystem}}}
	sc := single4.scenario()
	r.results.add(sc.name, "goqite", reading{metric: "jobs/s", value: 5})
	rows := r.table(sc)
	if got := strings.Join(rows[0], "|"); got != "|submits/s|jobs/s|drain/s" {
		t.Errorf("head %q compares with nobody", got)
	}
	if got := strings.Join(rows[1], "|"); got != "goqite|–|5|–" {
		t.Errorf("row %q", got)
	}
}
