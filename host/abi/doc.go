// Package abi is the import module "tlo": what a guest can ask of its host
// without being granted anything.
//
// Each function is a variable with its whole signature, listed in [Functions].
// Pointers and lengths are unsigned 32-bit numbers that point into the guest's
// memory. The host copies during the call, keeps nothing of the guest's and
// allocates nothing in it. A range outside memory, or no memory, ends the guest
// with a trap; nothing a guest passes makes the host panic.
package abi
