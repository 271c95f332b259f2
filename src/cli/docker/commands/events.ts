/** `minirun events` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { askStream, filtersOf } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { parseTime } from '../container/times.ts';
import { jsonLines } from '../streams/json-lines.ts';
import { compileTemplate } from '../template/execute.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun events', 'Show what happens in the daemon, as it happens.')
      .option('-f, --filter <NAME=VALUE>', 'only what fits: type, event, container, image, label, ...', gather)
      .option('--format <FORMAT>', "'json', or a Go template such as '{{.Action}}'")
      .option('--since <TIME>', 'also what has happened since: 2026-01-02T13:23:37Z, seconds since 1970, or 10m')
      .option('--until <TIME>', 'and end there')
      .usage('[options]'),
    ['events --filter type=container', 'of containers'],
    ['events --since 1h --until 0s', 'the last hour, and end'],
  );

export interface EventMessage {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes?: Record<string, string> };
  scope?: string;
  time: number;
  /** Nanoseconds since 1970, as text: a double does not hold them. */
  timeNano: string;
}

/** As Docker's client prints it: `2026-11-30T12:00:00.000000000Z container start ID (image=busybox, name=web)`. */
export function eventText({ Type, Action, Actor, time, timeNano }: EventMessage): string {
  const seconds = new Date(time * 1000);
  const stamp = `${seconds.toISOString().slice(0, 19)}.${(timeNano ?? '').slice(-9).padStart(9, '0')}Z`;
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return `${stamp} ${Type} ${Action} ${Actor.ID}${attributes.length > 0 ? ` (${attributes.join(', ')})` : ''}`;
}

const keepNanoseconds = (line: string): string => line.replace(/"timeNano":(\d+)/, '"timeNano":"$1"');
const printJson = (event: EventMessage): string => JSON.stringify(event).replace(/"timeNano":"(\d+)"/, '"timeNano":$1');

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const o = parsed.opts<{ filter?: string[]; format?: string; since?: string; until?: string }>();
  const print = o.format === undefined ? undefined : o.format === 'json' ? printJson : compileTemplate(o.format, { strict: true });
  const query = {
    since: o.since === undefined ? undefined : parseTime('--since', o.since),
    until: o.until === undefined ? undefined : parseTime('--until', o.until),
    filters: filtersOf(o.filter),
  };
  const stream = await askStream(await connect(context), '/events', { query });
  for await (const event of jsonLines<EventMessage>(stream, keepNanoseconds))
    process.stdout.write(`${print ? print(event) : eventText(event)}\n`);
  return 0;
}
