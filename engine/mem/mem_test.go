package mem_test

import (
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/enginetest"
	"github.com/tlo-run/tlo/engine/mem"
)

func place(testing.TB) enginetest.Place {
	return enginetest.Place{Open: func() (engine.Store, error) { return mem.New(), nil }}
}

func TestStore(t *testing.T)      { enginetest.RunStore(t, place) }
func TestModel(t *testing.T)      { enginetest.RunModel(t, place, 4000) }
func TestHammer(t *testing.T)     { enginetest.Hammer(t, place, 2000) }
func BenchmarkStore(b *testing.B) { enginetest.BenchStore(b, place) }
