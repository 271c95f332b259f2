/** The descriptors that a caller passes on to the command (`--preserve-fds`). */
import { readlinkSync } from 'node:fs';

/** The first descriptor that Node makes for itself, its event loop. It takes the lowest number that the caller left free. */
const NODES_FIRST = /^anon_inode:\[(eventpoll|io_uring)\]/;

/**
 * Those of 3 … 2 + `count` that the caller has opened, up to the first one that it has not: what comes
 * after that may be Node's own pipes and sockets, which are no business of a container's (CVE-2024-21626).
 */
export function preserved(count: number): number[] {
  const fds: number[] = [];
  for (let fd = 3; fd < 3 + count; fd++) {
    try {
      if (NODES_FIRST.test(readlinkSync(`/proc/self/fd/${fd}`))) break;
    } catch {
      break;
    }
    fds.push(fd);
  }
  return fds;
}
