/** Commands that take several containers: one that fails does not keep the others from their turn. */
import { findContainer } from '../runc/container/list.ts';
import type { ContainerView } from '../runc/container/state.ts';
import { describe, OWN_FAILURE } from './failure.ts';

/**
 * Does something with each container and prints its name as it was given, as Docker does.
 * @returns the exit code: 0 when all went well
 */
export async function eachContainer(
  stateRoot: string,
  names: readonly string[],
  act: (view: ContainerView) => void | Promise<void>,
  missingIsFine = false,
): Promise<number> {
  let code = 0;
  for (const name of names) {
    try {
      let view: ContainerView;
      try {
        view = findContainer(stateRoot, name);
      } catch (error) {
        if (missingIsFine) continue;
        throw error;
      }
      await act(view);
      process.stdout.write(`${name}\n`);
    } catch (error) {
      process.stderr.write(await describe(error));
      code = OWN_FAILURE;
    }
  }
  return code;
}
