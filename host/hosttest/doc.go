// Package hosttest writes WebAssembly modules for tests, so that they need no
// compiler for guests, and records what guests say.
package hosttest
