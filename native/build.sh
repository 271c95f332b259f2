#!/bin/sh
# Builds native/build/minirun-init and minirun-pid1: static, freestanding, a few kilobytes each, as
# they enter containers; and minirun-shim, which does not, and uses libc.
# Needs a C compiler and the kernel headers (Debian: gcc libc6-dev).
set -e
cd "$(dirname "$0")"
mkdir -p build
common="-std=gnu11 -Os -Wall -Wextra -Werror"
for program in minirun-init minirun-pid1; do
  ${CC:-cc} $common -static -nostdlib -nostartfiles -ffreestanding \
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-builtin -fno-pie -no-pie -fcf-protection=none \
    -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro -s -o build/$program.tmp $program.c
  mv build/$program.tmp build/$program
done
# Static, as the dynamic linker would take half of its time.
${CC:-cc} $common -static -s -o build/minirun-shim.tmp minirun-shim.c
mv build/minirun-shim.tmp build/minirun-shim
