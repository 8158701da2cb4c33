package conformance_test

import (
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
)

var seed = flag.Uint64("seed", 0, "seed of the random documents; 0 draws one")

// pieces of documents, broken ones more often than not. They spell neither "a"
// nor "b", which are the names that task sum reads.
var pieces = strings.Fields(`{ } [ ] , : { } [ ] , : "" "x" "\n" "\u00e9" "\ud83d\ude42" " \ \x \u12 \u12g4
	0 1 -1 01 1.5 1. .5 -0 - + 1e5 1E+5 1e 1e- 1.e1 true false null tru nulll True é 🙂 // 0x1 "\\" "\"" "\/"`)

// documents returns texts that are objects with a, b and something else, which
// half of the time is no JSON.
func documents(t *testing.T) []string {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed=%d", s)
	rnd := rand.New(rand.NewPCG(s, 0))
	var docs []string
	for valid, broken := 0, 0; valid < 20 || broken < 60; {
		var x strings.Builder
		for range 1 + rnd.IntN(4) {
			x.WriteString(pieces[rnd.IntN(len(pieces))])
			x.WriteString([]string{"", "", " ", "\n\t", "\x01"}[rnd.IntN(5)])
		}
		doc := `{"a":1,"x":` + x.String() + `,"b":2}`
		if json.Valid([]byte(doc)) {
			valid++
		} else {
			broken++
		}
		docs = append(docs, doc)
	}
	return docs
}

// agreesWithGo compares what an SDK takes for JSON with encoding/json.
func agreesWithGo(t *testing.T, h *host.Host, plugin string) {
	for _, doc := range documents(t) {
		_, err := h.Execute(t.Context(), definition(plugin, "sum"), engine.Job{ID: "job", Attempt: 1, Input: []byte(doc)}, &recorder{})
		if f, ok := errors.AsType[*engine.Failure](err); err != nil && (!ok || f.Cause != engine.CauseError) {
			t.Fatalf("%q: %v", doc, err)
		}
		if valid := json.Valid([]byte(doc)); valid != (err == nil) {
			t.Errorf("%q: valid %v, got %v", doc, valid, err)
		}
	}
}
