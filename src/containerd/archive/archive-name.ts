/** Names inside an archive, which strangers have written. */
import { invalidArgument } from '../errors.ts';

/**
 * The one way to write a name: no `./`, no double slashes, no slash at the end.
 * @throws invalid argument for a name that leads out of the archive
 */
export function cleanName(name: string): string {
  if (name.startsWith('/') || name.includes('\0')) throw invalidArgument(`archive: entry ${JSON.stringify(name)} is not below the archive`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalidArgument(`archive: entry ${JSON.stringify(name)} leads out of the archive`);
  return parts.join('/');
}

/**
 * Where a symbolic link of the archive points, inside it.
 * @throws invalid argument when that is outside
 */
export function linkTarget(name: string, link: string): string {
  const outside = () => invalidArgument(`archive: ${JSON.stringify(name)} is a link out of the archive, to ${JSON.stringify(link)}`);
  if (link.startsWith('/')) throw outside();
  const parts = name.split('/').slice(0, -1);
  for (const part of link.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw outside();
  }
  return parts.join('/');
}
