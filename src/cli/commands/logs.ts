/** `minirun logs [-f] [--tail N] [-t] CONTAINER`: what a container wrote that nobody watched. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { LogEntry } from '../../runc/container/log.ts';
import { logsPath, viewOf } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { lookup } from '../docker/lookup.ts';
import { parseInteger } from '../sizes.ts';
import { UsageError } from '../usage-error.ts';

const POLL_MS = 100;

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun logs', 'Show the output of a container.')
      .option('-f, --follow', 'go on until it ends')
      .option('-n, --tail <NUMBER>', 'only the last lines (default: all)', (text: string) =>
        text === 'all' ? Number.POSITIVE_INFINITY : parseInteger('--tail', text, 0, Number.MAX_SAFE_INTEGER),
      )
      .option('-t, --timestamps', 'begin each line with its time')
      .option('--since <TIME>', 'only what is younger: 2026-01-02T13:23:37Z, seconds since 1970, or 10m')
      .option('--until <TIME>', 'only what is older')
      .option('--details', 'also what the log driver was told to add')
      .usage('[options] CONTAINER'),
    ['logs web', 'all that it wrote'],
    ['logs -f --tail 10 web', 'the last ten lines, and what is yet to come'],
    ['logs --since 5m -t web', 'the last five minutes, with times'],
  );

export interface LogsOptions {
  follow?: boolean;
  tail?: number;
  timestamps?: boolean;
  since?: string;
  until?: string;
  details?: boolean;
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER']);
  const o = parsed.opts<LogsOptions>();
  const found = await lookup(context).find(name as string);
  if ('connection' in found) {
    const { dockerLogs } = await import('../docker/logs.ts');
    return dockerLogs(found.connection, name as string, o);
  }
  const { since, until } = o;
  if (since !== undefined || until !== undefined || o.details)
    throw new UsageError(`--since, --until and --details are for containers of the daemon; ${name} was made without it`);
  const root = await context.stateRoot();
  const { view } = found;
  const path = logsPath(view);
  const runs = () => {
    const status = viewOf(root, view.state.id)?.status;
    return status !== undefined && status !== 'stopped';
  };
  if (!existsSync(path)) {
    if (o.follow && runs()) while (!existsSync(path) && runs()) await sleep(POLL_MS);
    if (!existsSync(path)) throw new UsageError(`container ${view.state.name} has no log: only the output of run -d is kept`);
  }
  const reader = entries(path);
  try {
    const there = reader.next();
    const from = Math.max(0, there.length - (o.tail ?? Number.POSITIVE_INFINITY));
    show(there.slice(from), o.timestamps ?? false);
    while (o.follow) {
      // Asked first: what is written between the question and the reading is still shown.
      const more = runs();
      show(reader.next(), o.timestamps ?? false);
      if (!more) break;
      await sleep(POLL_MS);
    }
  } finally {
    reader.close();
  }
  return 0;
}

function show(found: LogEntry[], timestamps: boolean): void {
  for (const entry of found) {
    const text = timestamps ? `${entry.time} ${entry.log}` : entry.log;
    (entry.stream === 'stderr' ? process.stderr : process.stdout).write(text);
  }
}

/** Reads whole lines of the log from where it stopped the last time. */
function entries(path: string) {
  const fd = openSync(path, 'r');
  const chunk = Buffer.alloc(64 * 1024);
  let rest = Buffer.alloc(0);
  return {
    next(): LogEntry[] {
      const parts = [rest];
      for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) parts.push(Buffer.from(chunk.subarray(0, n)));
      const all = Buffer.concat(parts);
      const end = all.lastIndexOf(10) + 1;
      rest = Buffer.from(all.subarray(end));
      return all
        .subarray(0, end)
        .toString('utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as LogEntry);
    },
    close: () => closeSync(fd),
  };
}
