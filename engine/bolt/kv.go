package bolt

import (
	"bytes"
	"context"

	"github.com/tlo-run/tlo/engine"
)

// Get implements [engine.KV].
func (s *Store) Get(ctx context.Context, space, key string) ([]byte, error) {
	var value []byte
	err := s.view(ctx, func(t *txn) error {
		v := t.get(kvBucket, kvKey(space, key))
		if v == nil {
			return engine.ErrNotFound
		}
		value = bytes.Clone(v)
		return nil
	})
	return value, err
}

// List implements [engine.KV].
func (s *Store) List(ctx context.Context, space, prefix string, limit int) ([]string, error) {
	var keys []string
	err := s.view(ctx, func(t *txn) error {
		scope, start := len(scoped(space)), kvKey(space, prefix)
		c := t.tx.Bucket(kvBucket).Cursor()
		for k, _ := c.Seek(start); bytes.HasPrefix(k, start) && len(keys) < limit; k, _ = c.Next() {
			keys = append(keys, string(k[scope:]))
		}
		return nil
	})
	return keys, err
}

func checkWrites(writes []engine.Write) error {
	for i := range writes {
		if err := checkName("kv space", writes[i].Space); err != nil {
			return err
		}
		if err := checkName("kv key", writes[i].Key); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) write(writes []engine.Write) {
	for i := range writes {
		w := &writes[i]
		key := kvKey(w.Space, w.Key)
		if w.Delete {
			t.delete(kvBucket, key)
		} else {
			t.put(kvBucket, key, w.Value)
		}
	}
}
