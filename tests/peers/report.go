package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// results are the values of each cell, one per round.
type results struct{ cells map[cell][]float64 }

type cell struct{ scenario, system, label, metric string }

func (r *results) add(scenario, system string, v reading) {
	if r.cells == nil {
		r.cells = map[cell][]float64{}
	}
	c := cell{scenario, system, v.label, v.metric}
	r.cells[c] = append(r.cells[c], v.value)
}

// report shows the medians of a run.
type report struct {
	machine machine
	results results
	options options
}

// base is the system that the others are compared with: the first store of tlo
// that keeps what it is given, or else the first. "" if none was measured.
func (r report) base() string {
	base := ""
	for _, s := range r.options.systems {
		if s.store != nil && !s.memory {
			return s.name
		}
		if s.store != nil && base == "" {
			base = s.name
		}
	}
	return base
}

// table returns the rows of a scenario, the first of them the head.
func (r report) table(sc scenario) [][]string {
	base := r.base()
	head := []string{""}
	for _, m := range sc.metrics {
		head = append(head, m.name)
		if m.ratio && base != "" {
			head = append(head, base+" is")
		}
	}
	rows := [][]string{head}
	for _, label := range orOne(sc.labels) {
		for _, s := range r.options.systems {
			row := []string{strings.TrimSuffix(s.name+", "+label, ", ")}
			measured := false
			for _, m := range sc.metrics {
				values := r.results.cells[cell{sc.name, s.name, label, m.name}]
				row = append(row, spread(values, m.show))
				measured = measured || len(values) > 0
				if m.ratio && base != "" {
					row = append(row, ratio(r.results.cells[cell{sc.name, base, label, m.name}], values, m.less, s.name == base || s.memory))
				}
			}
			if measured {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// orOne returns the labels of a scenario's rows, or the one of no name.
func orOne(labels []string) []string {
	if labels == nil {
		return []string{""}
	}
	return labels
}

// spread shows the median, and the least and most.
func spread(values []float64, show func(float64) string) string {
	switch len(values) {
	case 0:
		return "–"
	case 1:
		return show(values[0])
	}
	return fmt.Sprintf("%s (%s–%s)", show(median(values)), show(slices.Min(values)), show(slices.Max(values)))
}

// ratio shows how many times better the base is, of medians. Nothing is
// compared with itself or with what keeps nothing.
func ratio(base, peer []float64, less, pointless bool) string {
	if len(base) == 0 || len(peer) == 0 || pointless {
		return ""
	}
	a, b := median(base), median(peer)
	if less {
		a, b = b, a
	}
	return times(a / b)
}

// text writes tables for a terminal.
func (r report) text(out io.Writer) error {
	for _, sc := range r.options.scenarios {
		rows := r.table(sc)
		if len(rows) == 1 {
			continue // nobody could take part
		}
		fmt.Fprintf(out, "\n%s: %s\n", sc.name, sc.about)
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, row := range rows {
			fmt.Fprintln(t, strings.Join(row, "\t"))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\n%s\n", r.machine.noise())
	return err
}

// markdown writes the same as a page.
func (r report) markdown(out io.Writer) error {
	var b strings.Builder
	b.WriteString("# The store against others\n\n")
	fmt.Fprintf(&b, "Rounds, interleaved: %d. Cells are medians, with the least and the most in brackets. ", r.options.rounds)
	if base := r.base(); base != "" {
		fmt.Fprintf(&b, "“%s is 9x” means nine times the rate of that row, or a ninth of its wait. ", base)
	}
	b.WriteString("Every submission and every end of a job is durable when it counts, except in rows of stores that keep nothing. " +
		"After each measurement every job is checked to have started once and ended once, by the harness and by what the system holds.\n\n")
	fmt.Fprintf(&b, "    %s\n\n", r.machine.command)
	for _, sc := range r.options.scenarios {
		rows := r.table(sc)
		if len(rows) == 1 {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n%s%s\n\n", sc.name, strings.ToUpper(sc.about[:1]), sc.about[1:])
		for i, row := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("## The systems\n\n")
	for _, s := range r.options.systems {
		fmt.Fprintf(&b, "- **%s**: %s\n", s.name, s.about)
	}
	fmt.Fprintf(&b, "\n## The machine\n\n")
	for line := range strings.Lines(r.machine.String() + "\n" + r.machine.noise()) {
		fmt.Fprintf(&b, "- %s\n", strings.TrimSpace(line))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
