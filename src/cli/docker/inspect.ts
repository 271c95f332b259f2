/** `minirun inspect`: whatever has that name, container, image, network or volume, in this order as in Docker. */

import type { Context } from '../command.ts';
import type { InspectOptions } from '../commands/inspect.ts';
import { describe } from '../failure.ts';
import { type Connection, connect, connectIfThere, daemonNamed } from './connect/connect.ts';
import { CommandFailed } from './connect/failed.ts';
import { ask } from './connect/request.ts';
import { objectText } from './output/listing.ts';
import { TemplateError } from './template/error.ts';

const PATHS: Record<string, (name: string) => string> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
};

/** The first of the types that has the name. @throws CommandFailed in Docker's words */
async function lookUp(connection: Connection, name: string, { type, size }: InspectOptions): Promise<unknown> {
  for (const kind of type ? [type] : Object.keys(PATHS)) {
    try {
      const path = (PATHS[kind] as (name: string) => string)(name);
      return await ask(connection, path, { query: kind === 'container' && size ? { size: 1 } : {} });
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      if (type) throw error;
    }
  }
  throw new CommandFailed(`Error: No such object: ${name}`);
}

/**
 * @param views what is known of containers made without the daemon; undefined where none has that name
 * @returns the exit code: 1 when one was not found
 */
export async function inspect(
  names: readonly string[],
  views: readonly (object | undefined)[],
  options: InspectOptions,
  context: Context,
): Promise<number> {
  const named = daemonNamed(context);
  const needsDaemon = named || views.some((view) => view === undefined);
  // What is no container made without the daemon may be anything that the daemon keeps, also while it sleeps.
  const mayStart = !context.rootGiven && process.geteuid?.() === 0;
  const connection = !needsDaemon ? undefined : await (mayStart || named ? connect(context) : connectIfThere(context));
  const found: unknown[] = [];
  let code = 0;
  const failed = async (error: unknown) => {
    process.stderr.write(await describe(error));
    code = 1;
  };
  for (const [n, name] of names.entries()) {
    const view = named ? undefined : views[n];
    if (view === undefined && connection === undefined) {
      await failed(
        new Error(
          `no container "${name}"; minirun ps -a lists those there are (and no daemon runs, which could know an image or a volume)`,
        ),
      );
      continue;
    }
    try {
      const value = view ?? (await lookUp(connection as Connection, name, options));
      if (options.format === undefined) found.push(value);
      else process.stdout.write(objectText(value, options.format));
    } catch (error) {
      // It would fit the others no better.
      if (error instanceof TemplateError && /parsing error/.test(error.message)) throw error;
      await failed(error);
    }
  }
  if (options.format === undefined) process.stdout.write(objectText(found, undefined));
  return code;
}
