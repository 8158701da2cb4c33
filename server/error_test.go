package server

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
)

// What cannot be told is an error with a message, not an empty success.
func TestAnswersThatFail(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"not JSON":  func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, math.NaN()) },
		"cancelled": func(w http.ResponseWriter) { writeError(w, context.Canceled) },
	} {
		w := httptest.NewRecorder()
		answer(w)
		var body struct{ Error Error }
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusInternalServerError || body.Error.Message == "" {
			t.Errorf("%s: %d %q, %v", name, w.Code, w.Body, err)
		}
	}
}
