/** Commands that take several things: one that fails does not keep the others from their turn. */
import { describe } from '../../failure.ts';

/**
 * Does something with each and prints its name as it was given (or what `act` returns), as Docker does.
 * @returns the exit code: 1 when one of them failed
 */
export async function each(names: readonly string[], act: (name: string) => Promise<unknown>): Promise<number> {
  let code = 0;
  for (const name of names) {
    try {
      const said = await act(name);
      if (said !== null) process.stdout.write(`${typeof said === 'string' ? said : name}\n`);
    } catch (error) {
      process.stderr.write(await describe(error));
      code = 1;
    }
  }
  return code;
}
