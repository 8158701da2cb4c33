package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tlo-run/tlo/engine"
)

// Error is an error as it crosses the API. It matches the engine's sentinel of
// its code, so that a caller cannot tell near from far.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Message }

// Is matches the engine's error of the code.
func (e *Error) Is(target error) bool {
	for _, c := range codes {
		if c.code == e.Code {
			return c.err == target
		}
	}
	return false
}

// codes is the one table of errors, codes and HTTP status.
var codes = []struct {
	err    error
	code   string
	status int
}{
	{engine.ErrNotFound, "not_found", http.StatusNotFound},
	{engine.ErrInvalid, "invalid", http.StatusBadRequest},
	{engine.ErrDuplicate, "duplicate", http.StatusConflict},
	{engine.ErrState, "state", http.StatusConflict},
	{engine.ErrClosed, "closed", http.StatusServiceUnavailable},
}

func writeError(w http.ResponseWriter, err error) {
	code, status := "internal", http.StatusInternalServerError
	for _, c := range codes {
		if errors.Is(err, c.err) {
			code, status = c.code, c.status
			break
		}
	}
	writeJSON(w, status, struct {
		Error Error `json:"error"`
	}{Error{code, err.Error()}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer // before the header, which cannot be taken back
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		writeError(w, fmt.Errorf("the answer is no JSON: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the reader has gone; there is nobody to tell
}
