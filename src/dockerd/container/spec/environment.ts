/** The environment of a container's processes. HOME is the runtime's business: it looks it up in the container's /etc/passwd. */
import { DEFAULT_PATH } from '../../../runc/spec/default-config.ts';
import type { ContainerConfig } from '../config.ts';
import { nameOf } from './merge-image.ts';

/** `over` on top of `base`: `NAME=VALUE` sets, `NAME` alone takes away. The order of the first mention stays. */
export function overlaid(base: readonly string[], over: readonly string[]): string[] {
  const variables = new Map(base.map((variable) => [nameOf(variable), variable]));
  for (const variable of over) {
    if (variable.includes('=')) variables.set(nameOf(variable), variable);
    else variables.delete(variable);
  }
  return [...variables.values()];
}

/**
 * What a process of the container begins with.
 * @param terminal it gets one: TERM is set
 */
export const containerEnvironment = (config: Pick<ContainerConfig, 'Env'>, hostname: string, terminal: boolean): string[] =>
  overlaid([`PATH=${DEFAULT_PATH}`, `HOSTNAME=${hostname}`, ...(terminal ? ['TERM=xterm'] : [])], config.Env ?? []);
