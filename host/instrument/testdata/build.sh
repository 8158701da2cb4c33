#!/bin/sh
# Builds loops.wasm; needs clang-14 and lld-14.
set -eu
cd -- "$(dirname -- "$0")"
clang-14 --target=wasm32 -O2 -nostdlib -fno-builtin -Wall -Wextra -Werror -Wl,--no-entry -Wl,-s -o loops.wasm loops.c
chmod 644 loops.wasm
