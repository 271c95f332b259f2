/**
 * Whose a container is: one that was made without the daemon (`minirun run ./rootfs`), or the daemon's.
 * The rule, as --help tells it: a daemon that is named (-H, --context, DOCKER_HOST) is asked alone.
 * Otherwise a name is looked up among the containers made without a daemon, and then asked of our daemon.
 */
import { findContainer } from '../../runc/container/list.ts';
import type { ContainerView } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { describe, OWN_FAILURE } from '../failure.ts';
import { type Connection, connectIfThere, daemonNamed } from './connect/connect.ts';

export type Found = { view: ContainerView } | { connection: Connection };

export interface Lookup {
  /** @throws Error when no container made without the daemon has that name, and there is no daemon */
  find(name: string): Promise<Found>;
}

export function lookup(context: Context): Lookup {
  let connection: Promise<Connection | undefined> | undefined;
  return {
    async find(name) {
      let missing: unknown;
      if (!daemonNamed(context)) {
        try {
          return { view: findContainer(await context.stateRoot(), name) };
        } catch (error) {
          missing = error;
        }
      }
      connection ??= connectIfThere(context, { wake: true });
      const found = await connection;
      if (!found) throw missing;
      return { connection: found };
    },
  };
}

export interface Acts {
  without(view: ContainerView): unknown;
  daemon(connection: Connection, name: string): Promise<unknown>;
}

/**
 * Does something with each container, and prints its name as it was given. One that fails does not
 * keep the others from their turn.
 * @param missingIsFine as with `rm --force`
 * @returns the exit code
 */
export async function eachContainer(context: Context, names: readonly string[], acts: Acts, missingIsFine = false): Promise<number> {
  const { find } = lookup(context);
  let code = 0;
  for (const name of names) {
    let found: Found | undefined;
    try {
      found = await find(name);
    } catch (error) {
      if (missingIsFine && /^no container /.test((error as Error).message)) continue;
      process.stderr.write(await describe(error));
      code = OWN_FAILURE;
      continue;
    }
    try {
      if ('view' in found) await acts.without(found.view);
      else await acts.daemon(found.connection, name);
      process.stdout.write(`${name}\n`);
    } catch (error) {
      if (missingIsFine && (error as { statusCode?: number }).statusCode === 404) {
        process.stderr.write(await describe(error));
        continue;
      }
      process.stderr.write(await describe(error));
      code = 'view' in found ? OWN_FAILURE : 1;
    }
  }
  return code;
}
