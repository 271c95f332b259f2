/** What the mounts of a config meet on this machine: read only where the config asks for something that depends on it. */
import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config, NamespaceType } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';

export interface MountFacts {
  /** Destinations of tmpfs mounts that the image has as a folder → its permission bits. */
  modes: Record<string, number>;
  /** The mount point in which the rootfs lies; read for a shared root only. */
  rootMount?: string;
  /** Where whole proc and sysfs file systems are mounted outside of the rootfs; read for a root that is moved only. */
  kernelViews?: string[];
  /**
   * MS_* flags of the mounts in which the rootfs and sources lie, by the path in the config; read before Linux 5.12 only,
   * where a bind mount takes new restrictions with all that it is to keep, and locked ones must be kept.
   */
  restrictions?: Record<string, number>;
  /** Namespaces that the config joins by path and that this process is in anyway; read for sysctls only. */
  ownNamespaces?: NamespaceType[];
}

interface MountLine {
  /** The folder of the file system that is mounted. */
  root: string;
  point: string;
  type: string;
  /** The restrictions of this mount: `rw,nosuid,relatime`. */
  options: string;
}

/** The lines of /proc/PID/mountinfo. Spaces and line ends in paths are octal numbers there (proc(5)). */
export function mountLines(text: string): MountLine[] {
  const plain = (path: string) => path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return text.split('\n').flatMap((line) => {
    const [left, right] = line.split(' - ');
    const words = left?.split(' ') ?? [];
    const type = right?.split(' ')[0];
    return type && words[3] && words[4] ? [{ root: plain(words[3]), point: plain(words[4]), type, options: words[5] ?? '' }] : [];
  });
}

const isAtOrBelow = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** The mount that holds `path`: of those above it, the one with the longest path, and of several at one place the last. */
const mountOf = (lines: MountLine[], path: string): MountLine | undefined =>
  lines.reduce<MountLine | undefined>(
    (best, line) => (isAtOrBelow(path, line.point) && line.point.length >= (best?.point.length ?? 0) ? line : best),
    undefined,
  );

/** The mount point that holds `path`. */
export const mountPointOf = (lines: MountLine[], path: string): string => mountOf(lines, path)?.point ?? '/';

/** Where all of a procfs or sysfs can be reached, but for the container's own. */
export const wholeKernelViews = (lines: MountLine[], rootfs: string): string[] =>
  lines.filter((m) => m.root === '/' && (m.type === 'proc' || m.type === 'sysfs') && !isAtOrBelow(m.point, rootfs)).map((m) => m.point);

const NAMESPACE_FILE: Partial<Record<NamespaceType, string>> = { network: 'net', ipc: 'ipc', uts: 'uts', user: 'user' };

/** Whether the file at `path` stands for the namespace that this process is in. */
function isOwn(type: NamespaceType, path: string): boolean {
  const file = NAMESPACE_FILE[type];
  if (!file) return false;
  const ours = statSync(`/proc/self/ns/${file}`, { throwIfNoEntry: false });
  const theirs = statSync(path, { throwIfNoEntry: false });
  return ours !== undefined && theirs !== undefined && ours.dev === theirs.dev && ours.ino === theirs.ino;
}

/** The permission bits of the folders that tmpfs mounts cover; a mount below another one covers nothing of the image. */
function coveredModes(config: Config, rootfs: string, links: Record<string, string>): Record<string, number> {
  const modes: Record<string, number> = {};
  const mounts = config.mounts ?? [];
  mounts.forEach((m, i) => {
    if (m.type !== 'tmpfs' || m.options?.some((o) => o.startsWith('mode='))) return;
    if (mounts.some((other, n) => n < i && isAtOrBelow(m.destination, other.destination))) return;
    try {
      const stat = lstatSync(join(rootfs, links[m.destination] ?? m.destination), { throwIfNoEntry: false });
      if (stat?.isDirectory()) modes[m.destination] = stat.mode & 0o7777;
    } catch {
      // a folder that we may not look into
    }
  });
  return modes;
}

const real = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there, or not for us: said by the step that opens it
  }
};

/** What the mounts that hold these paths are restricted to. */
const restrictionsOf = (lines: MountLine[], bundle: string, paths: string[]): Record<string, number> =>
  Object.fromEntries(
    paths.map((path) => [path, parseMountOptions(mountOf(lines, real(resolve(bundle, path)))?.options.split(',') ?? []).flags]),
  );

/**
 * @param links places in the rootfs that go through links of the image
 * @param options.noPivot the root is going to be moved over `/`
 * @param options.old the kernel is older than Linux 5.12
 */
export function readMountFacts(
  config: Config,
  bundle: string,
  links: Record<string, string>,
  options: { noPivot?: boolean | undefined; old?: boolean } = {},
): MountFacts {
  const rootfs = resolve(bundle, config.root?.path ?? 'rootfs');
  const facts: MountFacts = { modes: coveredModes(config, rootfs, links) };
  const shared = config.linux?.rootfsPropagation?.endsWith('shared') === true;
  if (shared || options.noPivot || options.old) {
    const lines = mountLines(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (shared) facts.rootMount = mountPointOf(lines, real(rootfs));
    if (options.noPivot) facts.kernelViews = wholeKernelViews(lines, real(rootfs));
    if (options.old) {
      const sources = (config.mounts ?? []).flatMap((m) => (m.source && parseMountOptions(m.options ?? []).bind ? [m.source] : []));
      facts.restrictions = restrictionsOf(lines, bundle, [config.root?.path ?? 'rootfs', ...sources]);
    }
  }
  if (Object.keys(config.linux?.sysctl ?? {}).length) {
    const own = (config.linux?.namespaces ?? []).filter((n) => n.path && isOwn(n.type, n.path)).map((n) => n.type);
    if (own.length) facts.ownNamespaces = own;
  }
  return facts;
}
