// Package disk_test treats the store on disk as disks do: it cuts the power at
// every moment, fails each call, and damages the file. What was confirmed must
// be there afterwards, as a whole, or an error must say why not.
package disk_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/bolt"
)

const storeName = "tlo.db"

// openStore opens the store of a folder.
func openStore(folder string) (engine.Store, error) {
	return bolt.Open(filepath.Join(folder, storeName), bolt.Options{})
}

// number is a setting of a test from the environment.
func number(t *testing.T, name string, def int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// run says what a child does: so many workers take so many steps each, and
// the store is closed and opened again so many times on the way.
type run struct {
	Folder         string
	Workers, Steps int
	Reopens        int
	Seed           uint64
}
