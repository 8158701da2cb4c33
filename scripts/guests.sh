#!/bin/sh
# Builds the guests under plugins/examples.
#
#   scripts/guests.sh build OUTDIR   the Go examples, and a copy of the committed modules
#   scripts/guests.sh rebuild        the committed modules, from their sources
set -eu

examples=$(CDPATH='' cd -- "$(dirname -- "$0")/../plugins/examples" && pwd)

usage() {
	echo "usage: scripts/guests.sh build OUTDIR | rebuild" >&2
	exit 2
}

# The Go examples, one name a line.
go_examples() {
	for main in "$examples"/*/main.go; do
		basename -- "$(dirname -- "$main")"
	done
}

build() {
	mkdir -p -- "$1"
	out=$(CDPATH='' cd -- "$1" && pwd)
	# A reactor (c-shared): see sdk/go/README.md.
	go_examples | GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 GOFLAGS=-trimpath xargs -P 2 -I '{}' \
		go build -C "$examples/{}" -buildmode=c-shared -ldflags='-s -w' -o "$out/{}.wasm" .
	cp -- "$examples/csv-to-json/csv-to-json.wasm" "$out/"
}

# The packages of Debian 12 that compile C to WASI; no other version gives the
# committed bytes.
clang_packages='clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32'

need_clang() {
	if command -v clang-14 >/dev/null && command -v wasm-ld-14 >/dev/null &&
		[ -e /usr/lib/wasm32-wasi/libc.a ]; then
		return
	fi
	if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
		# shellcheck disable=SC2086 # a list of packages
		apt-get update -q && apt-get install -q -y --no-install-recommends $clang_packages
		return
	fi
	echo "scripts/guests.sh: clang-14 for wasm32-wasi is missing; install it with" >&2
	echo "    sudo apt-get install $clang_packages" >&2
	exit 1
}

rebuild() {
	need_clang
	cd -- "$examples/csv-to-json"
	clang-14 --target=wasm32-wasi -O2 -Wall -Wextra -Werror -Wl,-s -o csv-to-json.wasm csv-to-json.c
	chmod 644 csv-to-json.wasm
}

case "${1-} $#" in
'build 2') build "$2" ;;
'rebuild 1') rebuild ;;
*) usage ;;
esac
