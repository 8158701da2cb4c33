// Command digest is a plugin with two tasks for the tests of warm starts, built
// with the SDK by the tests.
package main

import (
	"encoding/json"
	"hash/fnv"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

// Numbers is the input of task "digest".
type Numbers struct {
	ID     string `json:"id"`
	Values []int  `json:"values"`
}

// Digest is its output.
type Digest struct {
	ID   string `json:"id"`
	Sum  int    `json:"sum"`
	Max  int    `json:"max"`
	Hash uint64 `json:"hash"`
}

// Kept is what task "keep" found of earlier attempts.
type Kept struct {
	Static string `json:"static"`
	Heap   int    `json:"heap"`
	Count  int    `json:"count"`
}

// Leave is what it leaves.
type Leave struct {
	Secret string `json:"secret"`
	Grow   int    `json:"grow"` // bytes
}

var (
	static string
	heap   = map[string][]byte{}
	count  int
)

func init() {
	tlo.Register("digest", digest)
	tlo.Register("keep", keep)
}

func main() {}

func digest(_ *tlo.Context, in Numbers) (Digest, error) {
	out := Digest{ID: in.ID}
	for _, v := range in.Values {
		out.Sum += v
		out.Max = max(out.Max, v)
	}
	encoded, err := json.Marshal(in.Values)
	if err != nil {
		return out, err
	}
	h := fnv.New64a()
	for range 1000 / max(len(encoded), 1) {
		h.Write(encoded)
	}
	out.Hash = h.Sum64()
	return out, nil
}

func keep(_ *tlo.Context, in Leave) (Kept, error) {
	found := Kept{static, len(heap), count}
	static = in.Secret
	count++
	for range 20 {
		heap[in.Secret+string(rune('a'+len(heap)))] = []byte(in.Secret)
	}
	if in.Grow > 0 {
		grown := make([]byte, in.Grow)
		for i := 0; i < len(grown); i += 4096 {
			copy(grown[i:], in.Secret)
		}
		heap["grown"] = grown
	}
	return found, nil
}
