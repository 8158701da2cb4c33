#!/usr/bin/env bash
# Installs what the tests need beyond Go, on a Debian that lacks it: compilers
# for the race detector and the C SDK's tests, and those that build the
# committed C guests again. scripts/guests.sh says what the other guests need.
set -euo pipefail
packages="gcc g++ libc6-dev clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32"
missing=
for tool in gcc g++ clang-14 wasm-ld-14; do
  command -v "$tool" >/dev/null || missing+=" $tool"
done
[ -e /usr/lib/wasm32-wasi/libc.a ] || missing+=" wasi-libc"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "the tests need$missing: apt install $packages" >&2
  exit 1
fi
apt-get update -q
# shellcheck disable=SC2086 # a list
apt-get install -yq --no-install-recommends $packages
