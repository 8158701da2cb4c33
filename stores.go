package tlo

import (
	"cmp"
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
		wait := cmp.Or(cfg.LockTimeout, 2*time.Second) // other verbs hold the file for a moment
		s, err := bolt.Open(filepath.Join(cfg.DataDir, "tlo.db"), bolt.Options{LockTimeout: wait})
		if err != nil {
			return nil, err // not a nil *bolt.Store, which is no nil engine.Store
		}
		return s, nil
	},
}
