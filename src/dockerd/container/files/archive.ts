/** A file or a folder of a container as a tar: what `docker cp` copies out. */
import { Readable } from 'node:stream';
import { type Change, changes } from '../../../containerd/diff/changes.ts';
import { layerOf } from '../../../containerd/diff/layer.ts';
import type { Place } from './place.ts';
import { isPseudo } from './pseudo.ts';
import type { FileRoot } from './root.ts';

/** What every container has mounted there is no file of its own; Docker does not show it either. */
const OF_THE_RUNTIME = new Set(['/proc', '/sys', '/dev']);

/** @param places of the container's own mounts */
function* contents({ fd, node, name }: Place, root: FileRoot, places: ReadonlySet<string>): Generator<Change> {
  yield { kind: 'file', path: name, node, parent: fd };
  if (node.type !== 'folder') return;
  const prefix = name === '/' ? '/' : `${name}/`;
  const enter = (folder: number): boolean => {
    if (!root.live) return true;
    const path = root.pathOf(folder);
    return !(OF_THE_RUNTIME.has(path) && !places.has(path)) && !isPseudo(folder);
  };
  if (root.live && isPseudo(fd)) return;
  for (const change of changes(undefined, fd, enter)) yield { ...change, path: `${prefix}${change.path}` };
}

export const archiveOf = (place: Place, root: FileRoot, places: ReadonlySet<string>): Readable => {
  if (place.node.type === 'socket' || place.node.type === 'whiteout') return Readable.from(layerOf([]), { objectMode: false });
  return Readable.from(pieces(place, root, places), { objectMode: false, highWaterMark: 1 << 20 });
};

/** An async one takes turns with everybody else. */
async function* pieces(place: Place, root: FileRoot, places: ReadonlySet<string>): AsyncGenerator<Buffer> {
  yield* layerOf(contents(place, root, places));
}
