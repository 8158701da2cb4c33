//go:build !linux

package memory

// reserve leaves it to the Go runtime, which maps large slices lazily.
func reserve(n uint64) ([]byte, error) { return make([]byte, n), nil }

func commit([]byte, uint64, uint64) error { return nil }

func release([]byte) error { return nil }
