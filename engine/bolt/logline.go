package bolt

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// lineVersion is the first byte of the record of a log line.
const lineVersion = 1

// encodeLine writes a log line without its number, which is in the key.
func encodeLine(l *engine.LogLine) []byte {
	b := append(make([]byte, 0, 64+len(l.Message)), lineVersion)
	b = appendTime(b, l.At)
	b = appendInt(b, l.Attempt)
	b = appendInt(b, int(l.Level))
	b = appendString(b, l.Message)
	b = binary.AppendUvarint(b, uint64(len(l.Fields)))
	for _, k := range slices.Sorted(maps.Keys(l.Fields)) {
		b = appendString(b, k)
		b = appendString(b, l.Fields[k])
	}
	return b
}

func decodeLine(b []byte) (engine.LogLine, error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != lineVersion {
		return engine.LogLine{}, fmt.Errorf("%w: record version %d", errMalformed, v)
	}
	l := engine.LogLine{At: r.time(), Attempt: r.int()}
	level := r.int()
	l.Level = engine.Level(level)
	if int(l.Level) != level {
		r.fail()
	}
	l.Message = r.string()
	n := r.uint()
	if n > uint64(len(r.b)) { // each field takes two bytes or more
		r.fail()
	}
	for i := uint64(0); i < n && r.err == nil; i++ {
		if l.Fields == nil {
			l.Fields = map[string]string{}
		}
		k := r.string()
		l.Fields[k] = r.string()
	}
	if err := r.end(); err != nil {
		return engine.LogLine{}, err
	}
	return l, nil
}
