/** The size of this terminal, passed on to the one in the container. */
import type { Connection } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';

/** Rows and columns, where standard output is a terminal. */
export const terminalSize = (): [rows: number, columns: number] | undefined =>
  process.stdout.isTTY && process.stdout.rows ? [process.stdout.rows, process.stdout.columns] : undefined;

/**
 * Calls one at a time: while one is under way, any number of others become one more after it. Two
 * sizes that are under way at once could arrive in the wrong order, and the older one would stay.
 */
export function oneAtATime(act: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let again = false;
  return () => {
    if (current) again = true;
    current ??= (async () => {
      do {
        again = false;
        await act();
      } while (again);
      current = undefined;
    })();
    return current;
  };
}

/**
 * Passes it on now, and each time it changes.
 * @param path `/containers/ID` or `/exec/ID`
 * @returns what ends that
 */
export async function followSize(connection: Connection, path: string): Promise<() => void> {
  const tell = oneAtATime(async () => {
    const size = terminalSize();
    if (size) await ask(connection, `${path}/resize`, { method: 'POST', query: { h: size[0], w: size[1] } }).catch(() => undefined);
  });
  const onResize = () => void tell();
  process.stdout.on('resize', onResize);
  await tell();
  return () => void process.stdout.off('resize', onResize);
}
