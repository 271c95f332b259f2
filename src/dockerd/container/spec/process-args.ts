/** The command line of a container. */
import type { ContainerConfig } from '../config.ts';

/** Entry point and command together: the program, then its arguments. `inspect` shows them as Path and Args. */
export const processArgs = ({ Entrypoint, Cmd }: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>): string[] => [
  ...(Entrypoint ?? []),
  ...(Cmd ?? []),
];
