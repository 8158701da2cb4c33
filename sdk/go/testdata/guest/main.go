package main

import tlo "github.com/tlo-run/tlo/sdk/go"

func init() {
	tlo.Register("echo", func(_ *tlo.Context, in []byte) ([]byte, error) { return in, nil })
}

func main() {}
