/** Which OCI runtime a container gets. */
import { join } from 'node:path';
import type { Options } from '../../proto/containerd/runc/options_pb.ts';
import type { ShimContext } from './context.ts';
import { inProcessRuntime } from './in-process.ts';
import type { OciRuntime } from './runtime.ts';

/** @param bundle of the container, where a runtime program writes its log */
export function chooseRuntime(
  options: Options,
  _bundle: string,
  context: Pick<ShimContext, 'namespace' | 'runtimeRoot' | 'log'>,
): OciRuntime {
  return inProcessRuntime({
    root: join(options.root || context.runtimeRoot, context.namespace),
    systemdCgroup: options.systemdCgroup,
    noPivot: options.noPivotRoot,
    noKeyring: options.noNewKeyring,
    warn: context.log,
  });
}
