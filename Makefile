# The commands of the project. `make help` lists them.

SHELL := /bin/bash
GO ?= go
BIN := bin
LINT_VERSION := v2.15.0
TESTSUM_VERSION := v1.13.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X github.com/tlo-run/tlo.version=$(VERSION)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/tlo
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/tlo ./cmd/tlo

.PHONY: demo
demo: build ## the main job: run the example tasks on real input and look at them
	@scripts/guests.sh build $(BIN)/guests
	@$(GO) run ./tests/demo -tlo $(BIN)/tlo -guests $(BIN)/guests

.PHONY: test
test: ## all tests, with what they need installed
	scripts/test.sh

.PHONY: race
race: ## the unit tests under the race detector, without cached results
	$(GO) test -race -count=1 ./...

.PHONY: lint
lint: ## golangci-lint and shell syntax
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) run ./...
	@for f in scripts/*.sh .ci/run; do bash -n $$f; done

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (default 1m)
	scripts/fuzz.sh $${FUZZTIME:-1m}

.PHONY: crash
crash: ## kills, power cuts, failing disks and damage in their long form, CYCLES (default 200), RUNS (default 20)
	TLO_CRASH_CYCLES=$${CYCLES:-200} TLO_REPLAY_RUNS=$${RUNS:-20} TLO_REPLAY_OPS=300 TLO_FAULT_OPS=60 TLO_FLIPS=10000 \
		$(GO) test -count=1 -timeout 4h -run 'Crash|Flipped' -v ./engine/bolt ./tests/...

.PHONY: bench
bench: ## the benchmarks of stores and engine
	$(GO) test -run '^$$' -bench . -benchmem ./engine/... ./host/...

.PHONY: bench-store
bench-store: ## the store against River, asynq, goqite and a raw log, in one run
	scripts/peers.sh $(GO) run -C tests/peers . $(ARGS)

.PHONY: guests
guests: ## rebuild the committed guests from source
	scripts/guests.sh rebuild

.PHONY: check
check: ## format, tidy, vet, lint; fails if that changed the tree
	@before=$$(git status --porcelain); \
	gofmt -w $$(git ls-files '*.go') && $(GO) mod tidy && $(GO) vet ./... && $(MAKE) --no-print-directory lint && \
	after=$$(git status --porcelain) && \
	if [ "$$before" != "$$after" ]; then echo "make check changed the tree:"; git status --short; exit 1; fi
	@echo "check: ok"

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)
