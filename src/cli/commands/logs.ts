/** `minirun logs [-f] [--tail N] [-t] CONTAINER`: what a container wrote that nobody watched. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findContainer } from '../../runc/container/list.ts';
import type { LogEntry } from '../../runc/container/log.ts';
import { logsPath, viewOf } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';
import { parseInteger } from '../sizes.ts';
import { UsageError } from '../usage-error.ts';

const POLL_MS = 100;

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun logs', 'Show the output of a container that was run with -d.')
    .option('-f, --follow', 'go on until it ends')
    .option('-n, --tail <NUMBER>', 'only the last lines (default: all)', (text: string) =>
      text === 'all' ? Number.POSITIVE_INFINITY : parseInteger('--tail', text, 0, Number.MAX_SAFE_INTEGER),
    )
    .option('-t, --timestamps', 'begin each line with its time')
    .usage('[options] CONTAINER');
  const [name] = takeOperands(command, parseCommand(command, args), ['CONTAINER']);
  const o = command.opts() as { follow?: boolean; tail?: number; timestamps?: boolean };
  const root = await context.stateRoot();
  const view = findContainer(root, name as string);
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
