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

const (
	payloadHead = `{"job":"`
	payloadTail = `","to":"someone@example.com","template":"welcome","locale":"uk","subject":"Hello there"}`
)

// newJob costs little, because producers pay for it while they are timed.
func newJob(n int) job {
	payload := make([]byte, 0, len(payloadHead)+numberDigits+len(payloadTail))
	payload = append(append(append(payload, payloadHead...), "0000000000"...), payloadTail...)
	for at, rest := len(payloadHead)+numberDigits-1, n; rest > 0; at, rest = at-1, rest/10 {
		payload[at] += byte(rest % 10)
	}
	return job{payload: payload, urgent: n%10 == 0}
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
