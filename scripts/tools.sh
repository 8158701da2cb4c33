#!/usr/bin/env bash
# Installs what the tests need beyond Go, on a Debian that lacks it: a C
# compiler for the race detector.
set -euo pipefail
command -v gcc >/dev/null && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "the tests need gcc (for go test -race): apt install gcc libc6-dev" >&2
  exit 1
fi
apt-get update -q
apt-get install -yq --no-install-recommends gcc libc6-dev
