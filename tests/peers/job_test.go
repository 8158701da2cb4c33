package main

import (
	"encoding/json"
	"testing"
)

func TestJobNumberSurvivesOtherForms(t *testing.T) {
	for _, n := range []int{0, 7, 123456789} {
		payload := newJob(n).payload
		if !json.Valid(payload) || len(payload) < 90 || len(payload) > 110 {
			t.Errorf("payload of %d bytes, want about 100 of JSON: %s", len(payload), payload)
		}
		var fields map[string]string
		if err := json.Unmarshal(payload, &fields); err != nil {
			t.Fatal(err)
		}
		reordered, err := json.MarshalIndent(fields, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{payload, reordered} {
			if got, err := jobNumber(form); err != nil || got != n {
				t.Errorf("jobNumber(%s) = %d, %v, want %d", form, got, err, n)
			}
		}
	}
}

func TestJobNumberRefusesDamage(t *testing.T) {
	for _, payload := range []string{"", "{}", `{"job":"12"}`, `{"job":"00000x0001"}`, `{"jab":"0000000001"}`} {
		if n, err := jobNumber([]byte(payload)); err == nil {
			t.Errorf("jobNumber(%s) = %d, want an error", payload, n)
		}
	}
}

func TestEveryTenthJobIsUrgent(t *testing.T) {
	urgent := 0
	for n := range 100 {
		if newJob(n).urgent {
			urgent++
		}
	}
	if urgent != 10 {
		t.Errorf("%d of 100 jobs are urgent, want 10", urgent)
	}
}
