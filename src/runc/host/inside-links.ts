/** Where paths of a root file system lead when links in it are followed as from inside. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const MAX_LINKS = 40;

/**
 * Follows `path` through the rootfs, treating the rootfs as `/`. Parts that do not exist are kept
 * as they are. Only a look: what is found may change, so whoever opens the result still has to
 * resolve it with openat2(RESOLVE_IN_ROOT).
 * @returns the path without links, or undefined when no link is on the way (or there are too many)
 */
export function resolveInside(rootfs: string, path: string): string | undefined {
  const todo = path.split('/').reverse();
  const done: string[] = [];
  let links = 0;
  while (todo.length) {
    const part = todo.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(rootfs, ...done, part);
    const target = lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(here) : undefined;
    if (target === undefined) {
      done.push(part);
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    if (target.startsWith('/')) done.length = 0;
    todo.push(...target.split('/').reverse());
  }
  return links ? `/${done.join('/')}` : undefined;
}
