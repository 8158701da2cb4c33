package abi

import (
	"bytes"
	"encoding/json"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host/module"
)

// What one call may pass as fields.
const (
	maxFieldBytes = 16 << 10
	maxFields     = 32
	maxFieldName  = 64
	maxInvalid    = 1 << 10 // of what is no JSON object
)

// invalidFields holds the fields of a log line that could not be read.
const invalidFields = "invalid_fields"

var logText = &Function{
	Name:       "log",
	anytime:    true,
	Params:     []module.ValueType{i32, i32, i32},
	ParamNames: []string{"level", "ptr", "len"},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		a.report.Log(level(stack[0]), Text(mem.view(stack[1], stack[2]), MaxText), nil)
	},
}

var logFields = &Function{
	Name:       "log_kv",
	anytime:    true,
	Params:     []module.ValueType{i32, i32, i32, i32, i32},
	ParamNames: []string{"level", "ptr", "len", "kv_ptr", "kv_len"},
	code: func(a *Attempt, mem guestMemory, stack []uint64) {
		message := Text(mem.view(stack[1], stack[2]), MaxText)
		a.report.Log(level(stack[0]), message, fields(mem.view(stack[3], stack[4])))
	},
}

func level(n uint64) engine.Level {
	return engine.Level(min(max(int32(uint32(n)), int32(engine.Trace)), int32(engine.Error)))
}

// fields reads a JSON object: strings become plain text, other values stay
// JSON.
func fields(b []byte) map[string]string {
	var object map[string]json.RawMessage
	if len(b) > maxFieldBytes || json.Unmarshal(b, &object) != nil || len(object) > maxFields {
		return map[string]string{invalidFields: Text(b, maxInvalid)}
	}
	out := make(map[string]string, len(object))
	for name, value := range object {
		if len(name) > maxFieldName {
			return map[string]string{invalidFields: Text(b, maxInvalid)}
		}
		var text string
		if value[0] == '"' && json.Unmarshal(value, &text) == nil {
			out[name] = text
			continue
		}
		var compact bytes.Buffer
		if json.Compact(&compact, value) != nil { // it was valid a moment ago
			return map[string]string{invalidFields: Text(b, maxInvalid)}
		}
		out[name] = compact.String()
	}
	return out
}
