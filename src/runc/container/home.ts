/** HOME, where the config does not set it: what a login would set it to, as runc does. */
import { readInside } from '../rootfs/read-inside.ts';
import { parsePasswd } from '../rootfs/users.ts';
import type { Process } from '../spec/config.ts';

/**
 * The process with HOME in its environment: from the container's /etc/passwd, `/` for a user who is not in it.
 * @param root a way to the container's root, in this process's view
 */
export function withHome(process: Process, root: string): Process {
  const env = process.env ?? [];
  if (env.some((entry) => entry.startsWith('HOME=') && entry !== 'HOME=')) return process;
  const { uid } = process.user;
  const entry = parsePasswd(readInside(root, '/etc/passwd') ?? '').find((user) => user.uid === uid);
  return { ...process, env: [...env.filter((e) => e !== 'HOME='), `HOME=${entry?.home || '/'}`] };
}
