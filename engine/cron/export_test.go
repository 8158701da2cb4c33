package cron

import "strings"

// Zones are the names that an error may suggest.
func Zones() []string { return strings.Fields(zones) }
