#!/bin/sh
# Builds native/build/minirun-init, minirun-pid1 and minirun-shim: static, freestanding, a few kilobytes each.
# Needs a C compiler and the kernel headers (Debian: gcc libc6-dev).
set -e
cd "$(dirname "$0")"
mkdir -p build
for program in minirun-init minirun-pid1 minirun-shim; do
  ${CC:-cc} -std=gnu11 -Os -Wall -Wextra -Werror -static -nostdlib -nostartfiles -ffreestanding \
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-builtin -fno-pie -no-pie -fcf-protection=none \
    -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -s -o build/$program.tmp $program.c
  mv build/$program.tmp build/$program
done
