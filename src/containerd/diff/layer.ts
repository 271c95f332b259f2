/** Changes as a layer: an uncompressed tar archive, in pieces. */
import { readSync } from 'node:fs';
import { closeAt } from '../../libc/at.ts';
import { WHITEOUT } from '../layers/names.ts';
import type { TarType } from '../layers/tar-header.ts';
import { END_OF_ARCHIVE, encodeHeader, paddingOf, type TarWritten } from '../layers/tar-writer.ts';
import { type Change, openIfThere } from './changes.ts';
import type { FileNode } from './node.ts';

/** Pieces are gathered to this size: each costs a promise or two on its way. */
const PIECE = 1 << 20;

function whiteoutOf(path: string): TarWritten {
  const slash = path.lastIndexOf('/') + 1;
  // The time of the deletion is nowhere; any would do, as long as it is always the same.
  return { name: `${path.slice(0, slash)}${WHITEOUT}${path.slice(slash)}`, type: 'file', mode: 0, size: 0 };
}

/** major(3) and minor(3). */
const major = (device: bigint): number => Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
const minor = (device: bigint): number => Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));

function entryOf(path: string, node: FileNode, first: string | undefined): TarWritten {
  const type = first === undefined ? (node.type as TarType) : 'link';
  return {
    name: path,
    type,
    linkName: first ?? node.linkName,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    size: type === 'file' ? node.size : 0,
    modified: node.modified,
    deviceMajor: type === 'character' || type === 'block' ? major(node.device) : 0,
    deviceMinor: type === 'character' || type === 'block' ? minor(node.device) : 0,
    xattrs: first === undefined ? node.xattrs : undefined,
  };
}

/** The archive of some changes, in their order. A second name of a file becomes a hard link to the first. */
export function* layerOf(all: Iterable<Change>): Generator<Buffer> {
  const links = new Map<string, string>();
  let gathered: Buffer[] = [];
  let length = 0;
  function* put(bytes: Buffer): Generator<Buffer> {
    gathered.push(bytes);
    length += bytes.length;
    if (length < PIECE) return;
    yield Buffer.concat(gathered);
    gathered = [];
    length = 0;
  }
  for (const change of all) {
    if (change.kind === 'whiteout') {
      yield* put(encodeHeader(whiteoutOf(change.path)));
      continue;
    }
    const { node, path } = change;
    const linked = node.type !== 'folder' && node.links > 1;
    const first = linked ? links.get(node.identity) : undefined;
    const entry = entryOf(path, node, first);
    if (entry.type !== 'file' || node.size === 0) {
      if (linked && first === undefined) links.set(node.identity, path);
      yield* put(encodeHeader(entry));
      continue;
    }
    // Opened before it is told of: a container that runs may have removed it.
    const fd = openIfThere(change.parent, node.name);
    if (fd === undefined) continue;
    if (linked) links.set(node.identity, path);
    try {
      yield* put(encodeHeader(entry));
      for (let at = 0; at < node.size; ) {
        const piece = Buffer.alloc(Math.min(PIECE, node.size - at));
        const read = readSync(fd, piece, 0, piece.length, at);
        // It became shorter while it was read: the header has been written, zeros fill the rest.
        const bytes = read === 0 ? piece : piece.subarray(0, read);
        at += bytes.length;
        yield* put(bytes);
      }
    } finally {
      closeAt(fd);
    }
    yield* put(paddingOf(node.size));
  }
  gathered.push(END_OF_ARCHIVE);
  yield Buffer.concat(gathered);
}
