package bolt_test

import (
	"path/filepath"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/bolt"
	"github.com/tlo-run/tlo/engine/enginetest"
)

func place(tb testing.TB) enginetest.Place {
	path := filepath.Join(tb.TempDir(), "tlo.db")
	return enginetest.Place{
		Open:      func() (engine.Store, error) { return bolt.Open(path, bolt.Options{}) },
		Durable:   true,
		Exclusive: true,
	}
}

func TestStore(t *testing.T)      { enginetest.RunStore(t, place) }
func TestModel(t *testing.T)      { enginetest.RunModel(t, place, 3000) }
func TestHammer(t *testing.T)     { enginetest.Hammer(t, place, 1000) }
func BenchmarkStore(b *testing.B) { enginetest.BenchStore(b, place) }
