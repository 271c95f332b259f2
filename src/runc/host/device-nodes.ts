/** The device nodes of this machine that a container can be given: `--device`, `--privileged`. */
import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../spec/config.ts';

/** dev_t as glibc has it: 12 + 20 bits of major, 8 + 24 of minor, in pieces. */
function numbers(rdev: number): { major: number; minor: number } {
  const d = BigInt(rdev);
  return {
    major: Number(((d >> 8n) & 0xfffn) | ((d >> 32n) & 0xfffff000n)),
    minor: Number((d & 0xffn) | ((d >> 12n) & 0xffffff00n)),
  };
}

function node(path: string, stat: Stats): Device | undefined {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return undefined;
  return {
    type: stat.isBlockDevice() ? 'b' : 'c',
    path,
    ...numbers(stat.rdev),
    fileMode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
  };
}

/** Folders of /dev that are file systems of their own, and nodes that every container gets anew. */
const LEFT_OUT = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'ptmx', 'tty']);

function below(folder: string): Device[] {
  return readdirSync(folder).flatMap((name) => {
    if (LEFT_OUT.has(name)) return [];
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    if (stat.isDirectory()) return below(path);
    const device = node(path, stat);
    return device ? [device] : [];
  });
}

/** The device at a path, or all below a folder; [] when there is none. Symbolic links count as what they lead to. */
export function devicesAt(path: string): Device[] {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return below(path);
    const device = node(path, stat);
    return device ? [device] : [];
  } catch {
    return [];
  }
}
