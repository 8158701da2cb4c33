package bolt

import (
	"bytes"
	"context"

	"github.com/tlo-run/tlo/engine"
)

// Get implements [engine.KV].
func (s *Store) Get(ctx context.Context, space, key string) ([]byte, error) {
	var value []byte
	err := s.view(ctx, func(v *view) error {
		found := v.get(kvBucket, kvKey(space, key))
		if found == nil {
			return engine.ErrNotFound
		}
		value = bytes.Clone(found)
		return nil
	})
	return value, err
}

// List implements [engine.KV].
func (s *Store) List(ctx context.Context, space, prefix string, limit int) ([]string, error) {
	var keys []string
	err := s.scan(ctx, func(v *view) error {
		scope, start := len(scoped(space)), kvKey(space, prefix)
		c := v.bucket(kvBucket).Cursor()
		for k, _ := c.Seek(start); bytes.HasPrefix(k, start) && len(keys) < limit; k, _ = c.Next() {
			keys = append(keys, string(k[scope:]))
		}
		return nil
	})
	return keys, err
}

// maxValue bounds a value far below what bbolt can take.
const maxValue = 1 << 30

func checkWrites(writes []engine.Write) error {
	for i := range writes {
		w := &writes[i]
		if err := checkName("kv space", w.Space); err != nil {
			return err
		}
		if err := checkName("kv key", w.Key); err != nil {
			return err
		}
		if err := checkSize("value of kv key "+w.Key, w.Value); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) write(writes []engine.Write) {
	for i := range writes {
		w := &writes[i]
		key := kvKey(w.Space, w.Key)
		if w.Delete {
			g.delete(kvBucket, key)
		} else {
			g.put(kvBucket, key, owned(w.Value))
		}
	}
}
