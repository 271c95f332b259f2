/** What a client left out of a container's config, taken from its image. */

import { badRequest } from '../../http/api-error.ts';
import type { ImageConfig } from '../../image/images.ts';
import type { ContainerConfig, Healthcheck } from '../config.ts';

type ImageDefaults = NonNullable<ImageConfig['config']>;

export const nameOf = (variable: string): string => variable.split('=', 1)[0] as string;

/** The client's variables, then those of the image that it says nothing of. */
function environment(own: readonly string[], image: readonly string[]): string[] {
  const names = new Set(own.map(nameOf));
  return [...own, ...image.filter((variable) => !names.has(nameOf(variable)))];
}

/** Each part of a check that says nothing (0, or an empty list) is the image's. */
function healthcheck(own: Healthcheck | undefined, image: ImageDefaults['Healthcheck']): Healthcheck | undefined {
  if (own === undefined || image === undefined) return own ?? (image as Healthcheck | undefined);
  return {
    Test: own.Test?.length ? own.Test : image.Test,
    Interval: own.Interval || image.Interval,
    Timeout: own.Timeout || image.Timeout,
    StartPeriod: own.StartPeriod || image.StartPeriod,
    StartInterval: own.StartInterval || image.StartInterval,
    Retries: own.Retries || image.Retries,
  };
}

/**
 * The container's config as it is kept and shown by `inspect`. An entry point of the client's own
 * leaves the image's command aside; one that is `['']` takes the image's entry point away.
 * @param image the `config` of the image's config; undefined for an image that says nothing
 * @throws 400 `No command specified`
 */
export function mergeImage(config: ContainerConfig, image: ImageDefaults = {}): ContainerConfig {
  const ownEntrypoint = config.Entrypoint?.length ? config.Entrypoint : undefined;
  const entrypoint = config.Entrypoint ?? image.Entrypoint ?? undefined;
  const merged: ContainerConfig = {
    ...config,
    User: config.User || image.User || '',
    ExposedPorts: { ...image.ExposedPorts, ...config.ExposedPorts } as ContainerConfig['ExposedPorts'],
    Env: environment(config.Env ?? [], image.Env ?? []),
    Labels: { ...image.Labels, ...config.Labels },
    Cmd: config.Cmd?.length || ownEntrypoint ? config.Cmd : image.Cmd,
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? undefined : entrypoint,
    Healthcheck: healthcheck(config.Healthcheck, image.Healthcheck),
    WorkingDir: config.WorkingDir || image.WorkingDir || '',
    Volumes: { ...config.Volumes, ...image.Volumes } as ContainerConfig['Volumes'],
    StopSignal: config.StopSignal || image.StopSignal,
    Shell: config.Shell ?? image.Shell,
  };
  if (!merged.Entrypoint?.length && !merged.Cmd?.length) throw badRequest('No command specified');
  return merged;
}
