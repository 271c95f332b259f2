/** The mounts that the daemon sees. Source: proc_pid_mountinfo(5). */
import { readFileSync } from 'node:fs';

export interface MountedAt {
  path: string;
  /** `shared:N`, `master:N`, …: how mounts spread from and to it. */
  propagation: string[];
}

/** Spaces and the like are octal there. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** In the order in which they were made. */
export function parseMountTable(text: string): MountedAt[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(' ');
      return { path: unescaped(fields[4] ?? ''), propagation: fields.slice(6, fields.indexOf('-')) };
    });
}

export const readMountTable = (): MountedAt[] => parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));

export const isMountPoint = (table: readonly MountedAt[], path: string): boolean => table.some((mounted) => mounted.path === path);

/** The mount that a path lies on: the deepest, and of several at one place the last. */
export function mountOf(table: readonly MountedAt[], path: string): MountedAt | undefined {
  let found: MountedAt | undefined;
  for (const mounted of table) {
    const covers = mounted.path === '/' || path === mounted.path || path.startsWith(`${mounted.path}/`);
    if (covers && mounted.path.length >= (found?.path.length ?? 0)) found = mounted;
  }
  return found;
}
