// Package module reads the WebAssembly binary format: what a module imports,
// exports and declares, and whether it is safe to hand to a compiler.
//
// Its input is hostile. It never panics, never allocates by a length that the
// input claims, and reads each byte a bounded number of times. It checks the
// structure and the limits of this package, not types: validation belongs to
// the compiler. What it accepts cannot make the compiler's own decoder allocate
// more than a small multiple of the file.
package module
