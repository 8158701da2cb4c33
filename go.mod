module github.com/tlo-run/tlo

go 1.26.0

require (
	github.com/tetratelabs/wazero v1.12.0
	golang.org/x/image v0.47.0
)

require golang.org/x/sys v0.49.0 // indirect
