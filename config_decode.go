package tlo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/tlo-run/tlo/internal/typo"
)

// decoder turns the syntax tree of a file into a Config and collects what is
// wrong. It walks the tree by itself, because an error shall know what was
// meant.
type decoder struct {
	file, dir string
	problems

	// visit is told of each body and what may stand in it; for tests.
	visit func(body *hclsyntax.Body, settings []setting, blocks []block)
}

// block is a block that may stand in a body.
type block struct {
	name   string
	label  labels
	many   bool
	decode func(*hclsyntax.Block)
}

// labels says whether a block has one.
type labels int

const (
	noLabel labels = iota
	oneLabel
	optionalLabel
)

// place is the body that is decoded: where it notes positions, under which
// prefix, and how people call it.
type place struct {
	from    origin
	prefix  string // with its dot
	subject string // with its colon and space
}

func (d *decoder) config(body *hclsyntax.Body, c *Config) {
	c.from = origin{"": {File: d.file}}
	root := place{from: c.from}
	d.body(body, root, c.rootSettings(d.dir), []block{
		{name: "store", label: oneLabel, decode: func(b *hclsyntax.Block) {
			c.from["store"] = d.at(b.LabelRanges[0])
			if bad, ok := errors.AsType[*valueError](checkWord(StoreKind(b.Labels[0]), storeKinds)); ok {
				d.add(d.at(b.LabelRanges[0]), bad.hint, "store: %s", bad.message)
			} else {
				c.Store = StoreKind(b.Labels[0])
			}
			d.body(b.Body, place{from: origin{}, subject: "store: "}, nil, nil)
		}},
		{name: "log", decode: func(b *hclsyntax.Block) {
			d.body(b.Body, d.inner(root, b), c.Log.settings(), nil)
		}},
		{name: "defaults", decode: func(b *hclsyntax.Block) {
			in := d.inner(root, b)
			d.body(b.Body, in, limitSettings(&c.Defaults.Limits), []block{
				d.settingsBlock("retry", in, c.Defaults.Retry.settings()),
				d.settingsBlock("retention", in, retentionSettings(&c.Defaults.Retention)),
			})
		}},
		{name: "queue", label: oneLabel, many: true, decode: func(b *hclsyntax.Block) {
			q := QueueConfig{Name: b.Labels[0]}
			in := d.labelled(b)
			q.from = in.from
			d.body(b.Body, in, []setting{countSetting("workers", &q.Workers)}, nil)
			c.Queues = append(c.Queues, q)
		}},
		{name: "task", label: oneLabel, many: true, decode: func(b *hclsyntax.Block) {
			c.Tasks = append(c.Tasks, d.task(b))
		}},
	})
}

func (d *decoder) task(b *hclsyntax.Block) TaskConfig {
	t := TaskConfig{Name: b.Labels[0]}
	in := d.labelled(b)
	t.from = in.from
	d.body(b.Body, in, t.settings(d.dir), []block{
		d.settingsBlock("retry", in, t.Retry.settings()),
		d.settingsBlock("retention", in, retentionSettings(&t.Retention)),
		{name: "grant", decode: func(b *hclsyntax.Block) {
			d.body(b.Body, in, nil, []block{{name: "files", label: oneLabel, many: true, decode: func(b *hclsyntax.Block) {
				f := FileGrantConfig{Guest: b.Labels[0], from: d.origin(b)}
				d.body(b.Body, place{from: f.from, subject: in.subject + f.subject()}, f.settings(d.dir), nil)
				t.Files = append(t.Files, f)
			}}})
		}},
		{name: "schedule", label: optionalLabel, many: true, decode: func(b *hclsyntax.Block) {
			s := ScheduleConfig{Name: strings.Join(b.Labels, ""), from: d.origin(b)}
			d.body(b.Body, place{from: s.from, subject: in.subject + s.subject()}, s.settings(), nil)
			t.Schedules = append(t.Schedules, s)
		}},
	})
	return t
}

func (d *decoder) settingsBlock(name string, in place, settings []setting) block {
	return block{name: name, decode: func(b *hclsyntax.Block) { d.body(b.Body, d.inner(in, b), settings, nil) }}
}

// inner is the place of a block whose settings belong to those around it.
func (d *decoder) inner(outer place, b *hclsyntax.Block) place {
	outer.from[outer.prefix+b.Type] = d.at(b.TypeRange)
	outer.prefix += b.Type + "."
	return outer
}

// labelled is the place of a block that is a thing of its own.
func (d *decoder) labelled(b *hclsyntax.Block) place {
	return place{from: d.origin(b), subject: fmt.Sprintf("%s %q: ", b.Type, b.Labels[0])}
}

// origin begins the origin of a block; "name" is its label.
func (d *decoder) origin(b *hclsyntax.Block) origin {
	o := origin{"": d.at(b.TypeRange)}
	if len(b.LabelRanges) > 0 {
		o["name"] = d.at(b.LabelRanges[0])
	}
	return o
}

func (d *decoder) at(r hcl.Range) Position { return Position{d.file, r.Start.Line, r.Start.Column} }

// body decodes what stands in one block or at the top level.
func (d *decoder) body(body *hclsyntax.Body, in place, settings []setting, blocks []block) {
	if d.visit != nil {
		d.visit(body, settings, blocks)
	}
	for _, attr := range body.Attributes {
		d.attribute(attr, in, settings, blocks)
	}
	first := map[string]hcl.Range{}
	for _, b := range body.Blocks {
		known, ok := find(blocks, func(k block) bool { return k.name == b.Type })
		if !ok {
			d.unknownBlock(b, in, settings, blocks)
			continue
		}
		if prior, again := first[b.Type]; again && !known.many {
			d.add(d.at(b.TypeRange), fmt.Sprintf("merge it into the one in line %d", prior.Start.Line), "%sa second %s block", in.subject, b.Type)
			continue
		}
		first[b.Type] = b.TypeRange
		if d.labelsFit(b, in, known.label) {
			known.decode(b)
		}
	}
}

func (d *decoder) labelsFit(b *hclsyntax.Block, in place, want labels) bool {
	n := len(b.Labels)
	switch {
	case want == noLabel && n > 0:
		d.add(d.at(b.LabelRanges[0]), fmt.Sprintf("write %s { … }", b.Type), "%sa %s block has no label", in.subject, b.Type)
	case want == oneLabel && n != 1:
		d.add(d.at(b.TypeRange), fmt.Sprintf("write %s %s { … }", b.Type, labelExample[b.Type]), "%sa %s block has one label, and this has %d", in.subject, b.Type, n)
	case want == optionalLabel && n > 1:
		d.add(d.at(b.LabelRanges[1]), fmt.Sprintf("write %s %s { … }", b.Type, labelExample[b.Type]), "%sa %s block has at most one label", in.subject, b.Type)
	default:
		return true
	}
	return false
}

var labelExample = map[string]string{
	"store": `"bolt"`, "queue": `"reports"`, "task": `"code-stats"`, "files": `"/src"`, "schedule": `"nightly"`,
}

func (d *decoder) attribute(attr *hclsyntax.Attribute, in place, settings []setting, blocks []block) {
	at := d.at(attr.NameRange)
	s, ok := find(settings, func(s setting) bool { return s.name == attr.Name })
	if !ok {
		if b, ok := find(blocks, func(b block) bool { return b.name == attr.Name }); ok {
			label := ""
			if b.label == oneLabel {
				label = labelExample[b.name] + " "
			}
			d.add(at, fmt.Sprintf("write %s %s{ … }", b.name, label), "%s%s is a block", in.subject, attr.Name)
			return
		}
		in.from.fail(in.prefix + typo.Closest(attr.Name, names(settings, blocks)))
		d.add(at, suggestion(attr.Name, settings, blocks), "%sthere is no attribute %q here", in.subject, attr.Name)
		return
	}
	in.from[in.prefix+s.name] = at
	name := in.subject + in.prefix + s.name
	value, ok := d.literal(name, attr.Expr)
	if !ok {
		in.from.fail(in.prefix + s.name)
		return
	}
	if value.IsNull() {
		return
	}
	if bad, ok := errors.AsType[*valueError](s.assign(value)); ok {
		d.add(d.at(attr.Expr.Range()), bad.hint, "%s: %s", name, bad.message)
		in.from.fail(in.prefix + s.name)
	}
}

func (d *decoder) unknownBlock(b *hclsyntax.Block, in place, settings []setting, blocks []block) {
	at := d.at(b.TypeRange)
	if s, ok := find(settings, func(s setting) bool { return s.name == b.Type }); ok {
		d.add(at, fmt.Sprintf("write %s = … with %s", s.name, s.wants), "%s%s is an attribute", in.subject, b.Type)
		return
	}
	d.add(at, suggestion(b.Type, settings, blocks), "%sthere is no block %q here", in.subject, b.Type)
}

// suggestion is what name may have meant, or all there is.
func suggestion(name string, settings []setting, blocks []block) string {
	known := names(settings, blocks)
	if hint := typo.DidYouMean(name, known); hint != "" {
		return hint
	}
	switch len(known) {
	case 0:
		return "nothing may stand here"
	case 1:
		return "there is only " + known[0]
	}
	return "there are " + strings.Join(known, ", ")
}

func names(settings []setting, blocks []block) []string {
	var known []string
	for _, s := range settings {
		known = append(known, s.name)
	}
	for _, b := range blocks {
		known = append(known, b.name)
	}
	return known
}

func find[T any](list []T, is func(T) bool) (T, bool) {
	for _, v := range list {
		if is(v) {
			return v, true
		}
	}
	var none T
	return none, false
}
