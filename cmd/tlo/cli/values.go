package cli

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/tlo-run/tlo"
)

// The types of flags that are written as in the configuration.
const (
	typeDuration = "duration"
	typeSize     = "size"
)

// durationFlag is a flag such as --delay 2d.
type durationFlag time.Duration

func (d *durationFlag) Set(s string) error {
	v, err := tlo.ParseDuration(s)
	*d = durationFlag(v)
	return err
}

func (d *durationFlag) Type() string { return typeDuration }

// String is the default in a help text; zero has none.
func (d *durationFlag) String() string {
	if *d == 0 {
		return ""
	}
	return span(time.Duration(*d))
}

// sizeFlag is a flag such as --memory 64MiB, in bytes.
type sizeFlag int64

func (n *sizeFlag) Set(s string) error {
	v, err := tlo.ParseSize(s)
	*n = sizeFlag(v)
	return err
}

func (n *sizeFlag) Type() string   { return typeSize }
func (n *sizeFlag) String() string { return bytesText(int64(*n)) }

var (
	_ pflag.Value = (*durationFlag)(nil)
	_ pflag.Value = (*sizeFlag)(nil)
)
