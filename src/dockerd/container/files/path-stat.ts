/** What `docker cp` is told of a file before it copies: the header X-Docker-Container-Path-Stat. */
import type { FileNode } from '../../../containerd/diff/node.ts';
import { readable, type TarTime } from '../../../containerd/layers/tar-header.ts';

/** The bits of Go's os.FileMode, which are not the kernel's. */
const GO = {
  folder: 2 ** 31,
  symlink: 1 << 27,
  device: 1 << 26,
  fifo: 1 << 25,
  socket: 1 << 24,
  setuid: 1 << 23,
  setgid: 1 << 22,
  character: 1 << 21,
  sticky: 1 << 20,
}; // prettier-ignore

const TYPES: Record<FileNode['type'], number> = {
  file: 0,
  link: 0,
  folder: GO.folder,
  symlink: GO.symlink,
  fifo: GO.fifo,
  socket: GO.socket,
  block: GO.device,
  character: GO.device + GO.character,
  whiteout: GO.device + GO.character,
};

/** Type and permissions, as JSON has them for clients in Go. */
export function goMode({ type, mode }: Pick<FileNode, 'type' | 'mode'>): number {
  const special = (mode & 0o4000 ? GO.setuid : 0) + (mode & 0o2000 ? GO.setgid : 0) + (mode & 0o1000 ? GO.sticky : 0);
  return TYPES[type] + special + (mode & 0o777);
}

/** RFC 3339 with as many digits as say something. */
function timeText({ seconds, nanoseconds }: TarTime): string {
  const part = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${part === '' ? '' : `.${part}`}Z`;
}

export interface PathStat {
  name: string;
  /** bytes */
  size: number;
  mode: number;
  mtime: string;
  /** Of a symbolic link: where it leads in the container. */
  linkTarget: string;
}

export const pathStat = (name: string, node: FileNode, size: number, linkTarget: string): PathStat => ({
  name: readable(name),
  size,
  mode: goMode(node),
  mtime: timeText(node.modified),
  linkTarget: readable(linkTarget),
});

export const STAT_HEADER = 'X-Docker-Container-Path-Stat';
export const statHeader = (stat: PathStat): string => Buffer.from(JSON.stringify(stat)).toString('base64');
