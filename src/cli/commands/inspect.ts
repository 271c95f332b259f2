/** `minirun inspect NAME...`: what is known of containers, images, volumes and networks, as a JSON array or by a template. */
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { daemonlessState } from '../daemonless-state.ts';
import { UsageError } from '../usage-error.ts';

const TYPES = ['container', 'image', 'network', 'volume'];

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun inspect', 'Print all that is known of containers, images, networks and volumes, as JSON.')
      .option('-f, --format <FORMAT>', "'json', or a Go template such as '{{.State.Status}}'")
      .option('-s, --size', 'also the sizes of a container')
      .option('--type <TYPE>', 'only things of this type: container, image, network or volume', (text: string) => {
        if (TYPES.includes(text)) return text;
        throw new UsageError(`--type ${text}: choose ${TYPES.join(', ')}`);
      })
      .usage('[options] NAME...'),
    ['inspect web', 'all of it'],
    ["inspect -f '{{.State.Status}}' web", 'one field'],
    ["inspect -f '{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{end}}' web", 'a loop over ports'],
    ["inspect -f '{{json .Config.Env}}' busybox", 'a field of an image as JSON'],
  );

export interface InspectOptions {
  format?: string;
  size?: boolean;
  type?: string;
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['NAME…']);
  const options = parsed.opts<InspectOptions>();
  const root = await context.stateRoot();
  const views = names.map((name) => {
    if (options.type && options.type !== 'container') return undefined;
    return daemonlessState(root, name);
  });
  if (views.every((view) => view !== undefined) && options.format === undefined && !(await named(context))) {
    process.stdout.write(`${JSON.stringify(views, null, 2)}\n`);
    return 0;
  }
  const { inspect } = await import('../docker/inspect.ts');
  return inspect(names, views, options, context);
}

async function named(context: Context): Promise<boolean> {
  if (!context.host && !context.contextName && !process.env.DOCKER_HOST && !process.env.DOCKER_CONTEXT) return false;
  const { daemonNamed } = await import('../docker/connect/connect.ts');
  return daemonNamed(context);
}
