/**
 * The mappings that stand in a mount option: `idmap=uids=0-1-10#10-100-10;gids=0-1-10`. It is crun's, and
 * podman passes its `idmap=…` on in this form. Source: crun(1), "idmap mount options".
 */
import type { IdMapping } from './config.ts';

export interface Mappings {
  uids: IdMapping[];
  gids: IdMapping[];
}

/** `0-1-10`, `+0-1-10` or `@0-1-10`: id on the disk, what it becomes, how many. */
const TRIPLE = /^([@+]?)(\d{1,10})-(\d{1,10})-(\d{1,10})$/;

/**
 * @param text what follows `idmap=`
 * @param container the maps of the container's user namespace, to which a triple that begins with `@` is relative
 * @throws Error with what may stand there, to be read after "allowed: "
 */
export function parseIdmapOption(text: string, container: Partial<Mappings>): Mappings {
  const mappings: Mappings = { uids: [], gids: [] };
  for (const part of text.split(';').filter(Boolean)) {
    const [, kind, triples = ''] = /^(uids|gids)=(.+)$/.exec(part) ?? [];
    if (kind !== 'uids' && kind !== 'gids') throw new Error(`"uids=…;gids=…" after "idmap=", not "${part}"`);
    mappings[kind].push(...triples.split('#').map((triple) => mappingOf(triple, kind, container[kind] ?? [])));
  }
  if (!mappings.uids.length || !mappings.gids.length) throw new Error('both "uids=" and "gids=" after "idmap="');
  return mappings;
}

function mappingOf(triple: string, kind: keyof Mappings, container: IdMapping[]): IdMapping {
  const [, relative, disk, becomes, count] = TRIPLE.exec(triple) ?? [];
  if (disk === undefined) throw new Error(`mappings as DISK-HOST-COUNT, joined with "#", not "${triple}"`);
  const [containerID, hostID, size] = [Number(disk), Number(becomes), Number(count)];
  if (!size) throw new Error(`mappings of at least one id, not "${triple}"`);
  if (relative !== '@') return { containerID, hostID, size };
  const base = container.find((m) => containerID >= m.containerID && containerID < m.containerID + m.size);
  if (!base)
    throw new Error(`"@" with an id that the container's user namespace has in linux.${kind.slice(0, -1)}Mappings, not "${triple}"`);
  return { containerID, hostID: hostID + base.hostID - base.containerID, size };
}
