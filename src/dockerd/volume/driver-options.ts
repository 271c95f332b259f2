/**
 * Options of the local driver: what `mount -t TYPE -o O DEVICE` would be told. A volume that has
 * them is a file system of its own, mounted as long as a container uses it.
 * @see https://docs.docker.com/reference/cli/docker/volume/create/#opt
 */
import { badRequest, notFound } from '../http/api-error.ts';

export interface LocalMount {
  type: string;
  device: string;
  /** As mount(8) has them behind -o. */
  options: string[];
}

/** Which other options each of them needs. */
const NEEDS: Record<string, readonly string[]> = { type: ['device'], device: ['type'], o: ['device', 'type'], size: [] };

/**
 * @param name of the volume, for errors
 * @throws 400 for options that the driver does not have, 404 for another driver
 */
export function checkDriver(name: string, driver = 'local', options: Readonly<Record<string, string>> = {}): void {
  if (driver !== '' && driver !== 'local')
    throw notFound(`create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`);
  const refuse = (what: string) => badRequest(`create ${name}: ${what}`);
  for (const option of Object.keys(options)) if (!Object.hasOwn(NEEDS, option)) throw refuse(`invalid option: ${JSON.stringify(option)}`);
  if (options.size !== undefined) {
    const [, amount] = /^(\d+(?:\.\d+)?) ?[kmgtp]?i?b?$/i.exec(options.size) ?? [];
    if (amount === undefined) throw refuse(`invalid size: '${options.size}'`);
    // The kernel counts sizes of folders only by project quotas, which most file systems are not mounted with.
    if (Number(amount) > 0) throw refuse('quota size requested but no quota support');
  }
  for (const option of Object.keys(options)) {
    for (const needed of NEEDS[option] ?? [])
      if (!Object.hasOwn(options, needed)) throw refuse(`missing required option: ${JSON.stringify(needed)}`);
  }
}

/** The file system that the options ask for; undefined for a plain folder. */
export function localMount(options: Readonly<Record<string, string>> | null): LocalMount | undefined {
  if (!options?.device && !options?.type) return undefined;
  return { type: options.type ?? '', device: options.device ?? '', options: (options.o ?? '').split(',').filter((word) => word !== '') };
}
