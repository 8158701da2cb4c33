// Command tlo runs background tasks as sandboxed WebAssembly modules.
package main

import (
	"os"

	"github.com/tlo-run/tlo/cmd/tlo/cli"
)

func main() { os.Exit(cli.Main()) }
