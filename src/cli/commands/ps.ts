/** `minirun ps`: the containers, as a table, as ids, or as JSON lines. */

import { displayWidth, padEnd } from '../../explain/style.ts';
import { listContainers } from '../../runc/container/list.ts';
import { type ContainerView, loadConfig } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';
import { UsageError } from '../usage-error.ts';

interface Row {
  id: string;
  name: string;
  status: string;
  pid: number;
  created: string;
  command: string;
}

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun ps', 'List running containers.')
    .option('-a, --all', 'also those that have ended')
    .option('-q, --quiet', 'only their ids')
    .option('--no-trunc', 'whole ids and commands')
    .option('--format <FORMAT>', 'table (default) or json', (text: string) => {
      if (text === 'table' || text === 'json') return text;
      throw new UsageError(`--format ${text}: choose table or json`);
    });
  takeOperands(command, parseCommand(command, args), []);
  const o = command.opts() as { all?: boolean; quiet?: boolean; trunc: boolean; format?: string };
  const views = listContainers(await context.stateRoot()).filter((v) => o.all || v.status !== 'stopped');
  const id = (v: ContainerView) => (o.trunc ? v.state.id.slice(0, 12) : v.state.id);
  let text: string;
  if (o.quiet) text = views.map((v) => `${id(v)}\n`).join('');
  else if (o.format === 'json') text = views.map((v) => `${JSON.stringify({ ...row(v), id: v.state.id })}\n`).join('');
  else
    text = table(
      views.map((v) => ({ ...row(v), id: id(v) })),
      o.trunc,
    );
  process.stdout.write(text);
  return 0;
}

function row(view: ContainerView): Row {
  const { state } = view;
  return { id: state.id, name: state.name, status: statusOf(view), pid: view.pid, created: state.created, command: commandOf(view) };
}

function commandOf(view: ContainerView): string {
  try {
    return (loadConfig(view).process?.args ?? []).join(' ');
  } catch {
    return ''; // it is being made, or being removed
  }
}

function statusOf({ status, state, ended }: ContainerView): string {
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
