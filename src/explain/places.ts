/**
 * Which path a descriptor stands for. A program names most places by descriptors, because paths in
 * an image cannot be trusted; a reader wants the path. Followed from step to step, without running.
 */
import { posix } from 'node:path';
import { AT, MOUNT_ATTR, MS } from '../libc/flags.ts';
import type { Arg, Step } from '../runc/program/step.ts';

/** A path of the host, or one inside the container's root file system. */
export interface Place {
  path: string;
  inside: boolean;
  /** For a mount that is attached nowhere yet (open_tree): the MOUNT_ATTR_* that it was given. */
  attributes?: bigint;
  /** The same: whether mounts below it came along. */
  recursive?: boolean;
}

export interface Places {
  /** What the result of an earlier step stands for. */
  held: Map<string, Place>;
  /** The rootfs on the host, once it was bound onto itself. */
  rootfs: string | undefined;
  /** The container's root is `/` now. */
  inside: boolean;
  cwd: Place;
}

export const newPlaces = (): Places => ({ held: new Map(), rootfs: undefined, inside: false, cwd: { path: '/', inside: false } });

/** A text argument as it reads before the run: results by their names. */
export const plain = (arg: Arg | undefined): string =>
  arg?.kind === 'text' ? arg.parts.map((p) => (typeof p === 'string' ? p : `<${p.of}>`)).join('') : '';

export const integer = (arg: Arg | undefined): bigint => (arg?.kind === 'int' ? BigInt(arg.value) : 0n);

/** The place that `path`, relative to `dir`, names. */
export function placeOf(places: Places, dir: Arg | undefined, path: Arg | undefined): Place {
  if (path?.kind === 'text' && path.parts[0] === '/proc/self/fd/' && typeof path.parts[1] === 'object') {
    return places.held.get(path.parts[1].of) ?? { path: plain(path), inside: false };
  }
  const text = plain(path);
  const base = dir?.kind === 'result' ? (places.held.get(dir.of) ?? { path: `<${dir.of}>`, inside: false }) : places.cwd;
  if (text === '') return base;
  if (!text.startsWith('/')) return { path: posix.join(base.path, text), inside: base.inside };
  if (places.inside) return { path: posix.normalize(text), inside: true };
  return fromHost(places, text);
}

/** A host path that lies in the rootfs, as the container will see it. */
function fromHost(places: Places, path: string): Place {
  const { rootfs } = places;
  if (rootfs === undefined || rootfs === '/') return { path, inside: false };
  if (path === rootfs) return { path: '/', inside: true };
  return path.startsWith(`${rootfs}/`) ? { path: path.slice(rootfs.length), inside: true } : { path, inside: false };
}

/** Takes note of what a step does to descriptors, working directory and root. */
export function follow(places: Places, step: Step): void {
  const { name, args } = step.call;
  const keep = (place: Place) => {
    if (step.saves) places.held.set(step.saves, { ...place });
  };
  switch (name) {
    case 'openat':
    case 'openat2':
      keep(placeOf(places, args[0], args[1]));
      break;
    case 'open_tree':
      keep({ ...placeOf(places, args[0], args[1]), attributes: 0n, recursive: (integer(args[2]) & BigInt(AT.AT_RECURSIVE)) !== 0n });
      break;
    case 'mount_setattr': {
      const held = args[0]?.kind === 'result' ? places.held.get(args[0].of) : undefined;
      if (held?.attributes !== undefined)
        held.attributes = (held.attributes | attributeField(step, 'attr_set')) & ~attributeField(step, 'attr_clr');
      break;
    }
    case 'mount':
      // A folder bound onto itself is the new root: pivot_root wants a mount point.
      if (integer(args[3]) & BigInt(MS.MS_BIND) && plain(args[0]) === plain(args[1]) && !places.inside) places.rootfs = plain(args[1]);
      break;
    case 'chdir':
      if (step.actor === 'init') places.cwd = placeOf(places, undefined, args[0]);
      break;
    case 'fchdir':
      if (step.actor === 'init') places.cwd = placeOf(places, args[0], { kind: 'text', parts: [''] });
      break;
    case 'pivot_root':
      places.inside = true;
      // With pivot_root(".", ".") the old root lies on top of the new one, where `.` finds it.
      if (plain(args[1]) === '.') places.cwd = { path: '/', inside: false };
      break;
    case 'chroot':
      places.inside = true;
      break;
  }
}

/** A field of mount_setattr's struct. */
export function attributeField(step: Step, field: 'attr_set' | 'attr_clr' | 'propagation'): bigint {
  const struct = step.call.args.find((a) => a.kind === 'struct');
  const value = struct?.kind === 'struct' ? struct.fields.find((f) => f.name === field)?.value : undefined;
  return integer(value);
}

const WORDS: [ms: number, attr: number, word: string][] = [
  [MS.MS_RDONLY, MOUNT_ATTR.MOUNT_ATTR_RDONLY, 'ro'],
  [MS.MS_NOSUID, MOUNT_ATTR.MOUNT_ATTR_NOSUID, 'nosuid'],
  [MS.MS_NODEV, MOUNT_ATTR.MOUNT_ATTR_NODEV, 'nodev'],
  [MS.MS_NOEXEC, MOUNT_ATTR.MOUNT_ATTR_NOEXEC, 'noexec'],
  [MS.MS_NOSYMFOLLOW, MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW, 'nosymfollow'],
  [MS.MS_NOATIME, MOUNT_ATTR.MOUNT_ATTR_NOATIME, 'noatime'],
  [MS.MS_NODIRATIME, MOUNT_ATTR.MOUNT_ATTR_NODIRATIME, 'nodiratime'],
  [MS.MS_STRICTATIME, MOUNT_ATTR.MOUNT_ATTR_STRICTATIME, 'strictatime'],
];

/** Mount flags in the words of mount(8): `['ro', 'nosuid']`. */
export const flagWords = (flags: bigint): string[] => WORDS.filter(([ms]) => flags & BigInt(ms)).map(([, , word]) => word);
export const attributeWords = (attributes: bigint): string[] =>
  WORDS.filter(([, attr]) => attributes & BigInt(attr)).map(([, , word]) => word);

const PROPAGATION: [number, string][] = [
  [MS.MS_PRIVATE, 'private'],
  [MS.MS_SLAVE, 'slave'],
  [MS.MS_SHARED, 'shared'],
  [MS.MS_UNBINDABLE, 'unbindable'],
];

/** `rprivate`, `slave`; undefined when the flags change no propagation. */
export function propagationWord(flags: bigint): string | undefined {
  const word = PROPAGATION.find(([ms]) => flags & BigInt(ms))?.[1];
  return word && (flags & BigInt(MS.MS_REC) ? `r${word}` : word);
}
