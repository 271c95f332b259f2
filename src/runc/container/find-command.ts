/**
 * Looks for the command before a container is said to be created, so that a missing one is known
 * then and not at start. In the words of runc, which engines look for to choose 126 or 127.
 */
import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { O } from '../../libc/flags.ts';
import { candidates } from '../compile/command.ts';
import { openInRoot } from '../rootfs/read-inside.ts';
import type { Process, User } from '../spec/config.ts';

/** What is wrong with the command, as runc says it; code is the errno's name. */
export class CommandError extends Error {
  readonly code: 'ENOENT' | 'EACCES';
  constructor(command: string, what: string, code: 'ENOENT' | 'EACCES') {
    super(`exec: ${JSON.stringify(command)}: ${what}`);
    this.name = 'CommandError';
    this.code = code;
  }
}

/** access(2) with X_OK, from the mode alone: root needs one of the three bits. */
export function mayExecute(stat: Pick<Stats, 'mode' | 'uid' | 'gid'>, user: User): boolean {
  if (user.uid === 0) return (stat.mode & 0o111) !== 0;
  if (stat.uid === user.uid) return (stat.mode & 0o100) !== 0;
  const groups = [user.gid, ...(user.additionalGids ?? [])];
  return (stat.mode & (groups.includes(stat.gid) ? 0o010 : 0o001)) !== 0;
}

/** In a user namespace the file's owner is told in the ids of the outside: any bit will do then, the kernel has the last word. */
type Judge = (stat: Stats) => boolean;

/**
 * @param pid a process whose root is the container's
 * @param mapped ids inside differ from those outside
 * @throws CommandError when no candidate exists, or none may be executed
 */
export function findCommand(pid: number, process: Process, mapped: boolean): void {
  const command = process.args?.[0] ?? '';
  let root: number;
  try {
    root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return; // not ours to look into: execve will tell
  }
  const allowed: Judge = (stat) => (mapped ? (stat.mode & 0o111) !== 0 : mayExecute(stat, process.user));
  try {
    const paths = candidates(command, process.env ?? []).map((path) => posix.resolve(process.cwd, path));
    // What a link in /proc leads to depends on who follows it.
    if (paths.some((path) => path.startsWith('/proc/'))) return;
    let denied = false;
    for (const path of paths) {
      const stat = look(root, path);
      if (stat && !stat.isDirectory() && allowed(stat)) return;
      denied ||= stat !== undefined;
    }
    if (command.includes('/') && denied) throw new CommandError(command, 'permission denied', 'EACCES');
    if (command.includes('/')) throw new CommandError(command, `stat ${command}: no such file or directory`, 'ENOENT');
    throw new CommandError(command, 'executable file not found in $PATH', 'ENOENT');
  } finally {
    closeSync(root);
  }
}

function look(root: number, path: string): Stats | undefined {
  const fd = openInRoot(root, path, O.O_PATH | O.O_CLOEXEC);
  if (fd === undefined) return undefined;
  try {
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}
