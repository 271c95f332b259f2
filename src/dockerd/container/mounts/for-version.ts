/** What an older client means by its mounts: the API has learnt options, and changed what some of them say. */
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig, MountRequest } from '../config.ts';

const OPTIONS_OF: Record<string, string> = { VolumeOptions: 'volume', BindOptions: 'bind', TmpfsOptions: 'tmpfs' };

/** From 1.42 on, options of another type are refused by a sentence of their own. */
function checkTypes(mount: MountRequest): void {
  for (const [field, type] of Object.entries(OPTIONS_OF))
    if (mount[field as keyof MountRequest] !== undefined && mount.Type !== type)
      throw badRequest(`${field} must not be specified on mount type ${JSON.stringify(mount.Type)}`);
}

/** Before 1.42, they were ignored. */
function withoutOthers({ VolumeOptions, TmpfsOptions, BindOptions, ...mount }: MountRequest): MountRequest {
  return {
    ...mount,
    ...(mount.Type === 'volume' && VolumeOptions ? { VolumeOptions } : {}),
    ...(mount.Type === 'tmpfs' && TmpfsOptions ? { TmpfsOptions } : {}),
    ...(BindOptions ? { BindOptions: { ...BindOptions, CreateMountpoint: undefined } } : {}),
  } as MountRequest;
}

/**
 * The mounts in the words of the newest version.
 * @param minor of the client's API version, 1.MINOR
 * @throws 400 for what the client's version does not have, where it must not be ignored
 */
export function mountsForVersion(hostConfig: HostConfig, minor: number): MountRequest[] {
  return (hostConfig.Mounts ?? []).map((asked) => {
    let mount = asked;
    if (minor >= 42) checkTypes(mount);
    else mount = withoutOthers(mount);
    const { BindOptions, VolumeOptions } = mount;
    if (minor < 40 && BindOptions) mount = { ...mount, BindOptions: { ...BindOptions, NonRecursive: undefined } };
    if (minor < 44 && mount.Type === 'bind') {
      if (BindOptions?.ReadOnlyForceRecursive) throw badRequest('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer');
      // Until then, read-only was the mount itself, and not those below it.
      if (mount.ReadOnly)
        mount = { ...mount, BindOptions: { ...mount.BindOptions, ReadOnlyNonRecursive: true } as MountRequest['BindOptions'] };
    }
    if (minor < 45 && VolumeOptions?.Subpath) throw badRequest('VolumeOptions.Subpath needs API v1.45 or newer');
    if (minor < 48 && mount.Type === 'image') throw badRequest('Mount type "Image" needs API v1.48 or newer');
    return mount;
  });
}

/** The same for -v. */
export const bindForVersion = (request: MountRequest, minor: number): MountRequest =>
  minor < 44 && request.Type === 'bind' && request.ReadOnly
    ? { ...request, BindOptions: { ...request.BindOptions, ReadOnlyNonRecursive: true } as MountRequest['BindOptions'] }
    : request;
