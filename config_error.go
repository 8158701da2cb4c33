package tlo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tlo-run/tlo/engine"
)

// ConfigError is everything that is wrong with a configuration, in the order of
// the file. It matches [engine.ErrInvalid].
type ConfigError struct {
	Problems []Problem
}

// Problem is one thing that is wrong, where, and what to do about it.
type Problem struct {
	Position
	Message string
	Hint    string
}

// Position is where a setting was written: in a file, or in an environment
// variable or flag, whose name is then the file and which has no lines. The
// zero value is a setting made in Go.
type Position struct {
	File         string
	Line, Column int // from 1
}

// String returns file:line:column, or as much of it as there is.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// String returns the problem as "tlo.hcl:12:3: message; hint".
func (p Problem) String() string {
	var b strings.Builder
	if at := p.Position.String(); at != "" {
		b.WriteString(at + ": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Error returns one problem per line.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Is matches [engine.ErrInvalid].
func (e *ConfigError) Is(target error) bool { return target == engine.ErrInvalid }

// problems collects what is wrong.
type problems []Problem

func (p *problems) add(at Position, hint, format string, args ...any) {
	*p = append(*p, Problem{at, fmt.Sprintf(format, args...), hint})
}

// err returns the problems in the order of the file, or nil.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &ConfigError{p}
}

// origin remembers where the settings of one block were written, by name; ""
// is the block itself. Settings of blocks within have names such as
// "retry.min". Nil is a block that was made in Go.
type origin map[string]Position

// of returns the position of a setting, or of the nearest thing around it.
func (o origin) of(name string) Position {
	for {
		if p, ok := o[name]; ok || name == "" {
			return p
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
}

// fail notes that a setting was written but could not be read, so that it is
// not called missing as well.
func (o origin) fail(name string) { o["!"+name] = Position{} }

func (o origin) failed(name string) bool {
	_, ok := o["!"+name]
	return ok
}

// valueError is what is wrong with a value, before it is known whose it is.
type valueError struct{ message, hint string }

func (e *valueError) Error() string { return e.message + "; " + e.hint }
