package mem

import (
	"maps"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// owned returns the job with slices of its own: what callers hold and what the
// store holds must not share memory.
func owned(j engine.Job) engine.Job {
	j.Input, j.Output, j.History = slices.Clone(j.Input), slices.Clone(j.Output), slices.Clone(j.History)
	return j
}

func ownedLine(l engine.LogLine) engine.LogLine {
	l.Fields = maps.Clone(l.Fields)
	return l
}
