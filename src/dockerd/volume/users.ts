/** The containers that a volume belongs to, running or not. */
import type { Container } from '../container/containers.ts';

export const usersOfVolume = (containers: readonly Container[], name: string): string[] =>
  containers
    .filter(({ record }) => record.Mounts.some((mount) => mount.Type === 'volume' && mount.Name === name))
    .map(({ record }) => record.Id);
