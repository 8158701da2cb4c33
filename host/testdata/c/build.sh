#!/bin/sh
# Builds guest.wasm; needs clang-14 and lld-14.
set -eu
cd -- "$(dirname -- "$0")"
clang-14 --target=wasm32 -O2 -nostdlib -fno-builtin -Wall -Wextra -Werror -Wl,--no-entry -Wl,--initial-memory=1048576 \
	-Wl,-s -o guest.wasm guest.c
chmod 644 guest.wasm
