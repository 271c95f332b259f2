/** `--mount`: what is right and wrong with one, and the mount point that it comes to. */
import { posix } from 'node:path';
import { badRequest } from '../../http/api-error.ts';
import type { VolumeRequest } from '../../volume/volumes.ts';
import type { MountRequest } from '../config.ts';
import type { MountPoint } from '../record.ts';
import { isPropagation } from './mode.ts';
import { tmpfsOptions } from './tmpfs-options.ts';

export interface PlannedMount {
  point: MountPoint;
  /** The volume that it is, to be made when there is none. */
  volume?: VolumeRequest;
  /** Another container has it: the volume must be there. */
  shared?: true;
}

/** Without `.`, `..` and needless slashes. */
export const cleanPath = (path: string): string => posix.normalize(path).replace(/(.)\/+$/, '$1');

/** @returns what is wrong with a place in a container, in Docker's words */
export function badDestination(path: string): string | undefined {
  if (cleanPath(path) === '/') return "invalid specification: destination can't be '/'";
  return badPath(path);
}

const badPath = (path: string): string | undefined =>
  path.startsWith('/') ? undefined : `invalid mount path: '${path}' mount path must be absolute`;

/** Below the volume, however it is written. */
const isLocal = (path: string): boolean => !path.startsWith('/') && !/^\.\.(\/|$)/.test(posix.normalize(path));

/** @param exists whether the host has something at a path */
function fault(request: MountRequest, exists: (path: string) => boolean): string | undefined {
  const { Type, Source = '', Target = '', BindOptions, VolumeOptions, TmpfsOptions, ImageOptions } = request;
  const foreign = Object.entries({ bind: { BindOptions }, volume: { VolumeOptions }, image: { ImageOptions }, tmpfs: { TmpfsOptions } })
    .filter(([type]) => type !== Type)
    .flatMap(([, options]) => Object.entries(options))
    .find(([, options]) => options !== undefined);
  if (foreign) return `field ${foreign[0]} must not be specified`;
  if (Target === '') return 'field Target must not be empty';
  const bad = badDestination(Target);
  if (bad !== undefined) return bad;
  switch (Type) {
    case 'bind': {
      if (Source === '') return 'field Source must not be empty';
      const propagation = BindOptions?.Propagation ?? '';
      if (propagation !== '' && !isPropagation(propagation)) return `invalid propagation mode: ${propagation}`;
      const relative = badPath(Source);
      if (relative !== undefined) return relative;
      return exists(Source) || BindOptions?.CreateMountpoint ? undefined : `bind source path does not exist: ${Source}`;
    }
    case 'volume':
      if (!VolumeOptions?.Subpath) return undefined;
      if (Source === '') return 'must not set Subpath when using anonymous volumes';
      return isLocal(VolumeOptions.Subpath) ? undefined : 'subpath must be a relative path within the volume';
    case 'tmpfs':
      return Source === '' ? undefined : 'field Source must not be specified';
    case 'image':
      if (Source === '') return 'field Source must not be empty';
      return ImageOptions?.Subpath ? 'Subpath of an image is not supported; mount all of it' : undefined;
    default:
      return 'mount type unknown';
  }
}

/** How far `readonly` reaches. @throws 400 for options that contradict each other */
function readOnlyReach({ ReadOnly, BindOptions }: MountRequest): MountPoint['RecursiveReadOnly'] {
  const { ReadOnlyNonRecursive: not = false, ReadOnlyForceRecursive: force = false } = BindOptions ?? {};
  if (not && !ReadOnly) throw badRequest('mount options conflict: !ReadOnly && BindOptions.ReadOnlyNonRecursive');
  if (force && !ReadOnly) throw badRequest('mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive');
  if (not && force) throw badRequest('mount options conflict: ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive');
  return not ? 'no' : force ? 'must' : undefined;
}

/** @throws 400 in Docker's words */
export function checkMountRequest(request: MountRequest, exists: (path: string) => boolean): void {
  const refuse = (what: string) => badRequest(`invalid mount config for type ${JSON.stringify(request.Type)}: ${what}`);
  const what = fault(request, exists);
  if (what !== undefined) throw refuse(what);
  readOnlyReach(request);
  if (request.Type === 'tmpfs') tmpfsOptions(request.TmpfsOptions, refuse);
}

/** What a request that was checked comes to. */
export function planMount(request: MountRequest): PlannedMount {
  const { Type, Source = '', Target = '', ReadOnly = false, BindOptions, VolumeOptions, TmpfsOptions } = request;
  const base = { Destination: cleanPath(Target), Mode: '', RW: !ReadOnly, Propagation: '' };
  if (Type === 'tmpfs') return { point: { ...base, Type, Source: '', Options: tmpfsOptions(TmpfsOptions, badRequest) } };
  if (Type === 'image') return { point: { ...base, Type, Name: Source, Source, RW: false, Propagation: 'rprivate' } };
  if (Type === 'bind') {
    const reach = readOnlyReach(request);
    return {
      point: {
        ...base,
        Type,
        Source: cleanPath(Source),
        Propagation: BindOptions?.Propagation || 'rprivate',
        ...(BindOptions?.NonRecursive ? { NonRecursive: true } : {}),
        ...(reach === undefined ? {} : { RecursiveReadOnly: reach }),
        ...(BindOptions?.CreateMountpoint ? { CreateSource: true } : {}),
      },
    };
  }
  return {
    point: {
      ...base,
      Type: 'volume',
      Name: Source,
      Source: '',
      Driver: 'local',
      ...(Source === '' ? { Anonymous: true } : {}),
      ...(VolumeOptions?.NoCopy ? {} : { CopyUp: true }),
      ...(VolumeOptions?.Subpath ? { Subpath: VolumeOptions.Subpath } : {}),
    },
    volume: {
      name: Source,
      driver: VolumeOptions?.DriverConfig?.Name,
      options: VolumeOptions?.DriverConfig?.Options,
      labels: VolumeOptions?.Labels,
    },
  };
}
