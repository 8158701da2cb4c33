#!/usr/bin/env bash
# All tests. Needs Go; installs the rest itself on Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/tools.sh
scripts/guests.sh check

# gotestsum counts the tests at the end; its version is pinned in the Makefile.
version=$(sed -n 's/^TESTSUM_VERSION := //p' Makefile)
run=(go run "gotest.tools/gotestsum@$version" --format pkgname-and-test-fails --format-hide-empty-pkg --)

# The race detector needs cgo; guests run ten times slower under it, so the
# black-box tests, which run the real binary, go without.
mapfile -t unit < <(go list ./... | grep -v '/tests/')
mapfile -t box < <(go list ./tests/...)
"${run[@]}" -race -timeout 15m "${unit[@]}"
"${run[@]}" -timeout 15m "${box[@]}"
