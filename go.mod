module github.com/tlo-run/tlo

go 1.26

require (
	github.com/agext/levenshtein v1.2.1
	github.com/netresearch/go-cron v0.9.1
)
