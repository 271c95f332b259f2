/** `--runtime`: by which name which program makes containers. */
import { badRequest } from '../../http/api-error.ts';
import type { DaemonOptions } from '../../options.ts';

/** A shim by its runtime type, as containerd names them: io.containerd.runc.v2. */
const TYPE = /^[a-z0-9]+(\.[a-z0-9-]+)*\.v\d+$/;

/** @throws 400 for a name that the daemon was not told */
export function checkRuntime(name: string, { runtimes, defaultRuntime }: Pick<DaemonOptions, 'runtimes' | 'defaultRuntime'>): void {
  if (name === defaultRuntime || name === 'minirun' || Object.hasOwn(runtimes, name) || TYPE.test(name)) return;
  throw badRequest(`unknown or invalid runtime name: ${name}`);
}
