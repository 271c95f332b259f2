/** `-v [SOURCE:]DESTINATION[:MODE]`, which the API calls Binds: as the request of --mount that says the same. */
import { badRequest } from '../../http/api-error.ts';
import type { MountRequest } from '../config.ts';
import { parseMode } from './mode.ts';

export interface BindSpec {
  request: MountRequest;
  /** As it was written; what `inspect` shows. */
  mode: string;
}

/** @throws 400 in Docker's words */
export function parseBindSpec(text: string, volumeDriver = ''): BindSpec {
  const parts = text.split(':');
  const [first = '', second = '', mode = ''] = parts;
  const alone = parts.length === 1;
  // `/data:ro` would be a volume with a mode and without a place.
  if (first === '' || parts.length > 3 || (parts.length === 2 && parseMode(second)))
    throw badRequest(`invalid volume specification: '${text}'`);
  const parsed = parseMode(mode);
  if (!parsed) throw badRequest(`invalid mode: ${mode}`);
  const [source, target] = alone ? ['', first] : [first, second];
  const type = source.startsWith('/') ? 'bind' : 'volume';
  const driver = type === 'volume' && volumeDriver !== '' ? { DriverConfig: { Name: volumeDriver, Options: undefined } } : undefined;
  const request = {
    Type: type,
    Source: source,
    Target: target,
    ReadOnly: parsed.readonly,
    ...(driver || parsed.nocopy ? { VolumeOptions: { ...driver, NoCopy: parsed.nocopy } } : {}),
    ...(parsed.propagation === undefined ? {} : { BindOptions: { Propagation: parsed.propagation } }),
  };
  return { request: request as MountRequest, mode };
}

/** `--volumes-from CONTAINER[:MODE]`. @throws 400 in Docker's words */
export function parseVolumesFrom(text: string): { container: string; readonly: boolean } {
  if (text === '') throw badRequest('volumes-from specification cannot be an empty string');
  const colon = text.indexOf(':');
  const [container, mode] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  const parsed = parseMode(mode);
  // The other container has said how mounts spread, and what was copied.
  if (!parsed || parsed.nocopy || parsed.propagation !== undefined) throw badRequest(`invalid mode: ${mode}`);
  return { container, readonly: parsed.readonly };
}
