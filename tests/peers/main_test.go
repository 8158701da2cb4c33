package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-rounds", "2", "-seconds", "0.5", "-peers", "rawlog,mem", "-scenarios", "latency", "-settle", "go"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.rounds != 2 || o.fill != 500*time.Millisecond || o.hold || len(o.systems) != 2 || o.systems[0].name != "rawlog" || o.scenarios[0].name != "latency" {
		t.Errorf("parsed %+v", o)
	}
}

func TestFlagsThatAreRefused(t *testing.T) {
	for args, want := range map[string]string{
		"-peers oracle":              `-peers: there is no "oracle"; there are `,
		"-scenarios single4,":        `-scenarios: there is no ""; there are single4,`,
		"-settle maybe":              `-settle "maybe": use wait or go`,
		"-rounds 0":                  "must be positive",
		"-seconds 9000":              "-limit longer than -seconds",
		"-open 17000000":             "take 1000 to 16000000 jobs",
		"-peers mem river":           `unexpected argument "river"`,
		"-dir /proc/none -peers mem": "use -dir",
	} {
		if err := run(t.Context(), strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestServersMustBeNamed(t *testing.T) {
	for env, s := range map[string]system{postgresEnv: river, redisEnv: asynq1} {
		t.Setenv(env, "")
		if _, err := s.ready(t.Context(), "."); err == nil || !strings.Contains(err.Error(), env+" is not set") {
			t.Errorf("%s: %v, want it to name %s", s.name, err, env)
		}
	}
}
