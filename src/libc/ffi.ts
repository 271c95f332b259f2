/**
 * The one place that loads koffi: libc functions called from JavaScript.
 *
 * Everything is loaded on first use, because commands that need no system call of ours (an error
 * in the command line, `--help`) should not pay for it. koffi calls are made on the calling
 * thread, so namespace and credential calls affect Node's main thread only.
 */
import { createRequire } from 'node:module';
import { SyscallError } from './errno.ts';
import { loadKoffiBinary } from './koffi-binary.ts';

type Koffi = typeof import('koffi');
type Word = number | bigint;
type Syscall = (nr: number, a: Word, b: Word, c: Word, d: Word, e: Word, f: Word) => number;

let koffi: Koffi | undefined;
let libc: ReturnType<Koffi['load']> | undefined;
let raw: Syscall | undefined;

/** koffi itself, for the few modules that declare their own functions (libseccomp, posix_spawn). */
export function loadKoffi(): Koffi {
  koffi ??= loadKoffiBinary() ?? (createRequire(import.meta.url)('koffi') as Koffi);
  return koffi;
}

/** The C library that Node itself is linked with. */
export function loadLibc(): ReturnType<Koffi['load']> {
  libc ??= loadKoffi().load(null);
  return libc;
}

/** The address of a Buffer's memory. It stays where it is as long as the Buffer is referenced. */
export const addressOf = (memory: Uint8Array): bigint => loadKoffi().address(memory);

/** errno of the last libc call made through koffi. */
export const lastErrno = (): number => loadKoffi().errno();

/**
 * syscall(2): one raw system call. Returns its result, or -errno.
 * Raw calls are per thread where glibc's wrappers would change all threads (setuid and the like):
 * right for a process about to exec, wrong for anything else.
 */
export function syscall(nr: number, args: readonly Word[]): number {
  raw ??= loadLibc().func('long syscall(long, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)') as unknown as Syscall;
  const word = (i: number): Word => {
    const w = args[i] ?? 0;
    return typeof w === 'number' ? (w < 0 ? BigInt.asUintN(64, BigInt(w)) : w) : BigInt.asUintN(64, w);
  };
  const result = raw(nr, word(0), word(1), word(2), word(3), word(4), word(5));
  return result === -1 ? -lastErrno() : result;
}

/** Throws a {@link SyscallError} when `result` is -errno, else returns it. */
export function must(doing: string, result: number): number {
  if (result < 0) throw new SyscallError(doing, -result);
  return result;
}

/** The NUL-terminated form of a string, for a pointer argument. */
export const cstring = (value: string): Buffer => Buffer.from(`${value}\0`);
