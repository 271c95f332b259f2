/** The runtime of a container: which shim is its parent, and which OCI runtime that calls. */

import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Options, OptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import { packageRoot } from '../../runc/engine/installed.ts';
import { badRequest } from '../http/api-error.ts';
import type { DaemonOptions } from '../options.ts';

/** minirun's own shim, which has the runtime in itself. */
export const MINIRUN_SHIM = 'io.containerd.minirun.v1';
/** containerd's, which calls a program. */
const RUNC_SHIM = 'io.containerd.runc.v2';

/** Names that need no configuration. */
const BUILT_IN: Record<string, { runtimeType?: string; path?: string }> = {
  minirun: { runtimeType: MINIRUN_SHIM },
  [MINIRUN_SHIM]: { runtimeType: MINIRUN_SHIM },
  runc: { path: 'runc' },
  [RUNC_SHIM]: { runtimeType: RUNC_SHIM },
};

export const runtimeNames = ({ runtimes }: Pick<DaemonOptions, 'runtimes'>): string[] => [
  ...new Set([...Object.keys(BUILT_IN), ...Object.keys(runtimes)]),
];

/** The program of minirun's runtime, for shims that call one. */
const ourRuntime = (): string => join(packageRoot(), 'bin', 'minirun-runc');

export interface ChosenRuntime {
  name: string;
  options: Options;
}

/**
 * A containerd of its own process may not know where minirun's shim is; it has its own, which calls
 * minirun's runtime as a program.
 * @throws 400 for one that is not known
 */
export function runtimeOf(
  options: Pick<DaemonOptions, 'runtimes' | 'defaultRuntime' | 'containerd' | 'execRoot'>,
  asked: string | undefined,
): ChosenRuntime {
  const name = asked || options.defaultRuntime;
  const found = options.runtimes[name] ?? BUILT_IN[name];
  if (!found) throw badRequest(`unknown or invalid runtime name: ${name}`);
  const chosen = (type: string, more: MessageInitShape<typeof OptionsSchema> = {}): ChosenRuntime => ({
    name: type,
    options: create(OptionsSchema, { root: join(options.execRoot, 'runtime'), ...more }),
  });
  const external = options.containerd !== undefined;
  if (found.path !== undefined) return chosen(external ? RUNC_SHIM : MINIRUN_SHIM, { binaryName: found.path });
  if (external && found.runtimeType === MINIRUN_SHIM) return chosen(RUNC_SHIM, { binaryName: ourRuntime() });
  return chosen(found.runtimeType ?? MINIRUN_SHIM);
}
