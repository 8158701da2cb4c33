module github.com/tlo-run/tlo

go 1.26
