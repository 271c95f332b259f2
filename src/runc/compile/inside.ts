/**
 * Paths inside the root file system. An image is written by strangers: any part of a path in it
 * may be a symbolic link that points out of it. So every path is resolved by the kernel with
 * openat2(RESOLVE_IN_ROOT), which treats the rootfs as `/` while it follows links, and what is
 * mounted or made afterwards is named by the descriptor, not by the path
 * (CVE-2021-30465, CVE-2024-45310).
 */
import { O, RESOLVE, S } from '../../libc/flags.ts';
import { mkdirat, mknodat, openat2 } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, type Draft, fresh, type Setting } from './draft.ts';

/** The result that holds the rootfs folder. */
export const ROOT = 'root';

/** `/a//b/./c/` → `['a', 'b', 'c']`; `..` stays below the root. */
export function components(path: string): string[] {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') out.pop();
    else out.push(part);
  }
  return out;
}

/** Opens a path below the rootfs without following anything out of it. Returns the result's name. */
export function openInside(
  draft: Draft,
  setting: Setting,
  path: string,
  options: { flags?: number; strict?: boolean; ignore?: string[]; why?: string } = {},
): string {
  const inner = components(path).join('/') || '.';
  const name = fresh(draft, components(path).at(-1) ?? 'rootdir');
  add(draft, {
    ...setting,
    call: openat2(
      ref(ROOT),
      inner,
      (options.flags ?? O.O_PATH) | O.O_CLOEXEC,
      options.strict ? RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_SYMLINKS : RESOLVE.RESOLVE_IN_ROOT,
    ),
    saves: name,
    ...(options.ignore ? { ignore: options.ignore } : {}),
    ...(options.strict
      ? { means: { ELOOP: `/${inner} must be mounted on ordinary directory, and in this rootfs it is a symbolic link` } }
      : {}),
    minor: true,
    why:
      options.why ??
      (options.strict
        ? 'Open the place inside the rootfs, refusing any symbolic link on the way (CVE-2019-19921).'
        : 'Open the place inside the rootfs. The kernel follows links as if the rootfs were /, so none can lead out of it (CVE-2021-30465).'),
  });
  return name;
}

/** A folder inside the rootfs, made with its parents where it is missing. Returns the result that holds it. */
export function folderInside(draft: Draft, setting: Setting, path: string, options: { strict?: boolean; mode?: number } = {}): string {
  const parts = components(options.strict ? path : (draft.host.links?.[path] ?? path));
  if (parts.length === 0) return ROOT;
  const key = parts.join('/');
  const open = draft.folders.get(key);
  if (open) return open;
  const parent = folderInside(draft, setting, parts.slice(0, -1).join('/'), options);
  add(draft, {
    ...setting,
    call: mkdirat(ref(parent), parts.at(-1) as string, options.mode ?? 0o755),
    ignore: ['EEXIST'],
    minor: true,
    why: 'A mount needs a place to be mounted on: make it if the image has none.',
  });
  const name = openInside(draft, setting, key, { flags: O.O_PATH | O.O_DIRECTORY, ...(options.strict ? { strict: true } : {}) });
  draft.folders.set(key, name);
  return name;
}

/**
 * A file inside the rootfs to mount something on, made empty where it is missing.
 * @param options.links false: the file itself must be no link
 */
export function fileInside(draft: Draft, setting: Setting, path: string, options: { links?: false } = {}): string {
  const parts = components(options.links === false ? path : (draft.host.links?.[path] ?? path));
  const parent = folderInside(draft, setting, parts.slice(0, -1).join('/'));
  add(draft, {
    ...setting,
    call: mknodat(ref(parent), parts.at(-1) as string, S.S_IFREG | 0o644, 0),
    ignore: ['EEXIST'],
    minor: true,
    why: 'A file can be mounted only on a file: make an empty one if there is none.',
  });
  if (options.links !== false) return openInside(draft, setting, parts.join('/'));
  const name = fresh(draft, parts.at(-1) as string);
  add(draft, {
    ...setting,
    call: openat2(ref(parent), parts.at(-1) as string, O.O_PATH | O.O_CLOEXEC, RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_SYMLINKS),
    saves: name,
    minor: true,
    why: 'Open the file, refusing a link in its place.',
  });
  return name;
}

/**
 * Something was mounted at `place`: folders that are open at or below it are covered now. Where the
 * image has a link on the way to it, it is not plain which ones those are: all are forgotten.
 */
export function forgetFolders(draft: Draft, place: string): void {
  if (draft.host.links?.[place]) draft.folders.clear();
  const key = components(place).join('/');
  for (const folder of draft.folders.keys()) if (folder === key || folder.startsWith(`${key}/`) || key === '') draft.folders.delete(folder);
}

/** The path by which mount(2) reaches an open descriptor. */
export const through = (name: string) => ['/proc/self/fd/', ref(name)];
