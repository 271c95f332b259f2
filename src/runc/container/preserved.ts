/** The descriptors that a caller passes on to the command (`--preserve-fds`). */
import { readlinkSync } from 'node:fs';

/** Node's own: event loop, timers, wake-ups. They take the lowest numbers that the caller left free. */
const NODES_OWN = /^anon_inode:\[(eventpoll|eventfd|io_uring|timerfd)\]/;

/**
 * Those of 3 … 2 + `count` that are open, and are the caller's. One that is not open is left out, as the
 * command will see.
 */
export function preserved(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 3 + i).filter((fd) => {
    try {
      return !NODES_OWN.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  });
}
