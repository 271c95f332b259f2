/** What is left of a container whose shim was killed: taken away by the shim's own command `delete`. */
import { chooseRuntime } from './choose-runtime.ts';
import type { ShimContext } from './context.ts';
import { messageOf } from './errors.ts';
import { loadOptions } from './options.ts';
import { unmountRootfs } from './rootfs.ts';

/** Where to look, and who is told what could not be done. */
export interface CleanUp extends Pick<ShimContext, 'namespace' | 'runtimeRoot' | 'log'> {
  id: string;
  bundle: string;
}

/** Kills what runs, deletes the runtime's state and cgroups, unmounts the root. Does as much as can be done; may be called again. */
export async function cleanUp({ id, bundle, ...context }: CleanUp): Promise<void> {
  const steps: [string, () => unknown][] = [
    // First, because it is quick: whoever asked may lose patience with the rest. What runs keeps its own view of it.
    ['its root', () => unmountRootfs(bundle)],
    ['deleting it', () => chooseRuntime(loadOptions(bundle), bundle, context).delete(id, true)],
  ];
  for (const [what, step] of steps) {
    try {
      await step();
    } catch (error) {
      context.log(`container ${id}: ${what}: ${messageOf(error)}`);
    }
  }
}
