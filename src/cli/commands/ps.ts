/** `minirun ps`: the containers, as a table, as ids, or as JSON lines. */

import type { Command } from 'commander';
import { displayWidth, padEnd } from '../../explain/style.ts';
import { listContainers } from '../../runc/container/list.ts';
import { type ContainerView, loadConfig } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { parseInteger } from '../sizes.ts';

const gather = (value: string, all: string[] = []): string[] => [...all, value];

interface Row {
  id: string;
  name: string;
  status: string;
  pid: number;
  created: string;
  command: string;
}

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun ps', 'List running containers: those of the daemon, if one runs, and those made without it.')
      .option('-a, --all', 'also those that have ended')
      .option('-q, --quiet', 'only their ids')
      .option('--no-trunc', 'whole ids and commands')
      .option('-f, --filter <NAME=VALUE>', 'only those that fit: name, id, status, label, ancestor, ...', gather)
      .option('-n, --last <NUMBER>', 'the last ones that were made, in any state', (text: string) => parseInteger('--last', text, -1, 1e9))
      .option('-l, --latest', 'the last one that was made, in any state')
      .option('-s, --size', 'also what they have written (the daemon counts it)')
      .option('--format <FORMAT>', "table (default), json, or a Go template such as '{{.Names}}\\t{{.Status}}'")
      .usage('[options]'),
    ['ps -a', 'all containers'],
    ['ps -q --filter label=role=web', 'ids of those with a label'],
    ["ps --format 'table {{.Names}}\\t{{.Status}}'", 'a table of your own'],
  );

export interface PsOptions {
  all?: boolean;
  quiet?: boolean;
  trunc: boolean;
  filter?: string[];
  last?: number;
  latest?: boolean;
  size?: boolean;
  format?: string;
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const o = parsed.opts<PsOptions>();
  const { connectIfThere, daemonNamed } = await import('../docker/connect/connect.ts');
  const views = daemonNamed(context) ? [] : listContainers(await context.stateRoot());
  const connection = await connectIfThere(context, { wake: true });
  // Without a daemon, its words are still understood.
  if (connection || o.filter || o.last !== undefined || o.latest || o.size || !['table', 'json', undefined].includes(o.format)) {
    const { printContainers } = await import('../docker/ps.ts');
    return printContainers(connection, views, o);
  }
  process.stdout.write(
    text(
      views.filter((v) => o.all || v.status !== 'stopped'),
      o,
    ),
  );
  return 0;
}

function text(views: ContainerView[], o: PsOptions): string {
  const id = (v: ContainerView) => (o.trunc ? v.state.id.slice(0, 12) : v.state.id);
  if (o.quiet) return views.map((v) => `${id(v)}\n`).join('');
  if (o.format === 'json') return views.map((v) => `${JSON.stringify({ ...row(v), id: v.state.id })}\n`).join('');
  return table(
    views.map((v) => ({ ...row(v), id: id(v) })),
    o.trunc,
  );
}

function row(view: ContainerView): Row {
  const { state } = view;
  return { id: state.id, name: state.name, status: statusOf(view), pid: view.pid, created: state.created, command: commandOf(view) };
}

export function commandOf(view: ContainerView): string {
  try {
    return (loadConfig(view).process?.args ?? []).join(' ');
  } catch {
    return ''; // it is being made, or being removed
  }
}

export function statusOf({ status, state, ended }: ContainerView): string {
  if (status === 'running' || status === 'paused') return `Up ${ago(state.created)}${status === 'paused' ? ' (Paused)' : ''}`;
  if (status === 'creating') return 'Creating';
  if (!ended) return 'Exited';
  return `Exited (${ended.code}) ${ago(ended.finished)} ago${ended.oomKilled ? ', out of memory' : ''}`;
}

/** How long since an ISO 8601 time, in one unit. */
function ago(time: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
  const units: [name: string, size: number][] = [
    ['day', 86400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ];
  const [name, size] = units.find(([, s]) => seconds >= 2 * s) ?? ['second', 1];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

const LONGEST_COMMAND = 30;

/** What would move the cursor or break the line is shown as a question mark. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

function table(rows: Row[], truncate: boolean): string {
  const cut = (text: string) =>
    truncate && [...text].length > LONGEST_COMMAND ? `${[...text].slice(0, LONGEST_COMMAND - 1).join('')}…` : text;
  const lines = [
    ['CONTAINER ID', 'NAME', 'STATUS', 'PID', 'CREATED', 'COMMAND'],
    ...rows.map((r) => [r.id, r.name, r.status, r.pid ? String(r.pid) : '-', `${ago(r.created)} ago`, cut(visible(r.command))]),
  ];
  const widths = (lines[0] as string[]).map((_, i) => Math.max(...lines.map((l) => displayWidth(l[i] as string))));
  return lines
    .map(
      (l) =>
        `${l
          .map((cell, i) => padEnd(cell, widths[i] as number))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
