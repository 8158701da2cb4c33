package cron

import (
	_ "embed"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a zone database

	"github.com/tlo-run/tlo/internal/typo"
)

// zones are the names that an error may suggest, from Go's own database.
//
//go:embed zones.txt
var zones string

// Zone returns the time zone of an IANA name; empty means UTC. It refuses
// "Local", which means something else on each machine. An error is an [*Error].
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if strings.EqualFold(name, "local") {
		return nil, &Error{"timezone " + quote(name) + " differs from machine to machine", `name a place, such as "Europe/Kyiv", or "UTC"`}
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		hint := ""
		if len(name) < 64 {
			hint = typo.DidYouMean(name, strings.Fields(zones))
		}
		if hint == "" {
			hint = `name a place of the IANA database, such as "Europe/Kyiv", or "UTC"`
		}
		return nil, &Error{"timezone " + quote(name) + " is not known", hint}
	}
	return loc, nil
}
