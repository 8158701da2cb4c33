// The plugin that the SDK's tests build and run.
package main

import _ "github.com/tlo-run/tlo/sdk/go/internal/testtasks"

func main() {}
