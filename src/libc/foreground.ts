/** Which process group a terminal belongs to. Source: tcsetpgrp(3), credentials(7). */
import { addressOf, loadLibc } from './ffi.ts';

const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const SIGTTOU = 22;
/** sigset_t of glibc; musl's is as large. */
const SIGSET_SIZE = 128;

/**
 * Makes this process's group the terminal's foreground again, after a shell took it and could not
 * give it back: a shell in another pid namespace does not see our group's number. Does nothing
 * where the descriptor is no terminal of ours.
 */
export function takeForeground(tty: number): void {
  const libc = loadLibc();
  const mask = libc.func('pthread_sigmask', 'int', ['int', 'uintptr_t', 'uintptr_t']);
  const ours = libc.func('getpgrp', 'int', [])() as number;
  const blocked = Buffer.alloc(SIGSET_SIZE);
  const before = Buffer.alloc(SIGSET_SIZE);
  blocked.writeUInt32LE(1 << (SIGTTOU - 1), 0);
  // A background process that calls tcsetpgrp is stopped by SIGTTOU, unless it blocks that signal.
  mask(SIG_BLOCK, addressOf(blocked), addressOf(before));
  try {
    libc.func('tcsetpgrp', 'int', ['int', 'int'])(tty, ours);
  } finally {
    mask(SIG_SETMASK, addressOf(before), 0);
  }
}
