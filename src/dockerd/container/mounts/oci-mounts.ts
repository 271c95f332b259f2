/** Mount points as the OCI config has them. */
import type { Mount as RootMount } from '../../../containerd/snapshots/mount.ts';
import type { Mount } from '../../../runc/spec/config.ts';
import { badRequest } from '../../http/api-error.ts';
import { type MountedAt, mountOf } from '../../mount-table.ts';
import type { MountPoint } from '../record.ts';
import { tmpfsMount } from '../spec/tmpfs.ts';

/** A mount point, and what of the host is to be seen there. */
export interface MountSource {
  point: MountPoint;
  /** A folder or a file; of a bind, without symbolic links. Empty for a tmpfs. */
  path: string;
  /** Of an image: how its snapshot is mounted. */
  image?: readonly RootMount[];
}

export interface MountFacts {
  kernel: readonly [major: number, minor: number];
  dataRoot: string;
  /** The daemon's mounts. */
  table: readonly MountedAt[];
}

/** mount_setattr(2) with AT_RECURSIVE: Linux 5.12. */
const canRecurse = ([major, minor]: MountFacts['kernel']): boolean => major > 5 || (major === 5 && minor >= 12);

function readonlyOption({ Source, RecursiveReadOnly }: MountPoint, { kernel }: MountFacts): 'ro' | 'rro' {
  if (RecursiveReadOnly === 'no') return 'ro';
  if (canRecurse(kernel)) return 'rro';
  if (RecursiveReadOnly !== 'must') return 'ro';
  throw badRequest(
    `${Source}: mounts below it can be made read-only from Linux 5.12 on; this is ${kernel.join('.')}. Leave ReadOnlyForceRecursive away`,
  );
}

/**
 * A mount spreads to other namespaces only from where it is shared itself.
 * @throws 400 in Docker's words
 */
function propagationOption({ Propagation }: MountPoint, path: string, { table, dataRoot }: MountFacts): string[] {
  if (Propagation === '') return [];
  const on = mountOf(table, path);
  const has = (kind: string) => on?.propagation.some((field) => field.startsWith(kind)) === true;
  const refuse = (what: string) => badRequest(`path ${path} is mounted on ${on?.path ?? '/'} but it is not a ${what} mount`);
  if (/shared$/.test(Propagation) && !has('shared:')) throw refuse('shared');
  if (/slave$/.test(Propagation) && !has('shared:') && !has('master:')) {
    // Slave by rule and not by wish, in the daemon's own folder: private serves as well, where nothing spreads.
    if (path.startsWith(dataRoot) || dataRoot.startsWith(path)) return [];
    throw refuse('shared or slave');
  }
  return [Propagation];
}

function ofImage({ Destination }: MountPoint, image: readonly RootMount[]): Mount {
  const [mount] = image;
  if (!mount || image.length > 1) throw badRequest(`${Destination}: the image has ${image.length} mounts, and one is needed`);
  const { type, source, options } = mount;
  // An image is never written to, whatever its snapshotter offers.
  return { destination: Destination, type, source, options: [...options.filter((word) => word !== 'rw' && word !== 'ro'), 'ro'] };
}

function ociMount({ point, path, image }: MountSource, facts: MountFacts): Mount {
  const { Type, Destination, RW, NonRecursive, Options = [] } = point;
  if (Type === 'tmpfs') return tmpfsMount(Destination, [...(RW ? [] : ['ro']), ...Options].join(','));
  if (Type === 'image') return ofImage(point, image ?? []);
  const options = [
    NonRecursive ? 'bind' : 'rbind',
    ...(RW ? [] : [readonlyOption(point, facts)]),
    ...propagationOption(point, path, facts),
  ];
  return { destination: Destination, type: 'bind', source: path, options };
}

const depth = (path: string): number => path.split('/').length;

/** In the order in which they must be mounted: what lies above first, else it would cover what lies below. @throws 400 */
export const ociMounts = (sources: readonly MountSource[], facts: MountFacts): Mount[] =>
  sources.map((source) => ociMount(source, facts)).sort((a, b) => depth(a.destination) - depth(b.destination));
