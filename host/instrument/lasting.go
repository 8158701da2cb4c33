package instrument

import "github.com/tlo-run/tlo/host/module"

// uses is what a module does that outlasts a run of it, beside its memory and
// its globals of number types.
type uses byte

const (
	usesTables   uses = 1 << iota // writes tables
	usesSegments                  // drops segments
	usesGlobals                   // mutable globals of other types
	usesImports                   // mutable globals of others
)

func (u *uses) add(v uses) { *u |= v }

func (u *uses) see(i *module.Instruction) {
	switch {
	case i.Op == opTableSet:
		u.add(usesTables)
	case i.Op != prefixBulk:
	case i.Sub == subTableInit || i.Sub == subTableCopy || i.Sub == subTableGrow || i.Sub == subTableFill:
		u.add(usesTables)
	case i.Sub == subDataDrop || i.Sub == subElemDrop:
		u.add(usesSegments)
	}
}

func (u uses) names() []string {
	var names []string
	for i, name := range []string{"it writes tables", "it drops segments", "it has mutable globals of vectors or references", "it imports mutable globals"} {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
