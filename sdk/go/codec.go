package tlo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// decode reads a task's input: raw for []byte and string, JSON otherwise.
func decode[In any](raw []byte) (In, error) {
	var in In
	switch p := any(&in).(type) {
	case *[]byte:
		*p = raw
		return in, nil
	case *string:
		*p = string(raw)
		return in, nil
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return in, nil
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		var zero In
		return zero, located(err)
	}
	return in, nil
}

// located says where in the input a JSON error is: encoding/json leaves the
// offset out of its texts.
func located(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("invalid JSON at byte %d: %w", syntax.Offset, err)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		place := "the top level"
		if mismatch.Field != "" {
			place = fmt.Sprintf("field %q", mismatch.Field)
		}
		return fmt.Errorf("%s, at byte %d: want %s, got %s", place, mismatch.Offset, mismatch.Type, mismatch.Value)
	}
	return err
}

// encode writes a task's output, the mirror of decode.
func encode(out any) ([]byte, error) {
	switch v := out.(type) {
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	}
	return json.Marshal(out)
}
