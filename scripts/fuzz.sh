#!/usr/bin/env bash
# Runs each fuzz target of the project for a while: scripts/fuzz.sh 1m
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-1m}
git grep -lE '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u | while read -r dir; do
  grep -rhoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | awk '{print $2}' | while read -r target; do
    echo "== ./$dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$dir"
  done
done
