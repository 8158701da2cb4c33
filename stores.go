package tlo

import (
	"path/filepath"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/bolt"
	"github.com/tlo-run/tlo/engine/mem"
)

// stores is the table of stores.
var stores = map[StoreKind]func(Config) (engine.Store, error){
	StoreMemory: func(Config) (engine.Store, error) { return mem.New(), nil },
	StoreBolt: func(cfg Config) (engine.Store, error) {
		// A verb may hold the file for a moment while an engine starts.
		s, err := bolt.Open(filepath.Join(cfg.DataDir, "tlo.db"), bolt.Options{LockTimeout: 2 * time.Second})
		if err != nil {
			return nil, err // a nil *bolt.Store would be no nil engine.Store
		}
		return s, nil
	},
}
