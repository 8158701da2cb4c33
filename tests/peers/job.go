package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// job is the work that every system gets: nothing to do, about 100 bytes of
// JSON, a priority.
type job struct {
	payload []byte
	urgent  bool // every tenth; runs before those that are not
}

var numberKey = []byte(`"job":`)

const numberDigits = 10

func newJob(n int) job {
	const form = `{"job":"%0*d","to":"someone@example.com","template":"welcome","locale":"uk","subject":"Hello there"}`
	return job{payload: fmt.Appendf(make([]byte, 0, 112), form, numberDigits, n), urgent: n%10 == 0}
}

// jobNumber finds the number in a payload. Systems that keep JSON as a value
// and not as text give it back with other spaces and in another order.
func jobNumber(payload []byte) (int, error) {
	if i := bytes.Index(payload, numberKey); i >= 0 {
		digits := bytes.TrimLeft(payload[i+len(numberKey):], ` "`)
		if len(digits) >= numberDigits {
			if n, err := strconv.Atoi(string(digits[:numberDigits])); err == nil {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("the payload came back as %.120q, without the job's number", payload)
}
