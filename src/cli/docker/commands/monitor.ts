/** `minirun monitor`: all containers, how they are and what they use, like top(1). */
import { totalmem } from 'node:os';
import type { Command } from 'commander';
import type { ContainerInfo } from 'dockerode';
import { palette } from '../../../explain/style.ts';
import { readStats } from '../../../runc/cgroup/stats.ts';
import { listContainers } from '../../../runc/container/list.ts';
import type { ContainerView } from '../../../runc/container/state.ts';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { statusOf } from '../../commands/ps.ts';
import { parseInteger } from '../../sizes.ts';
import { type Connection, connectIfThere, daemonNamed } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { openScreen } from '../output/screen.ts';
import { lookOf, tableText } from '../output/table.ts';
import { binarySize } from '../output/units.ts';
import { watchStats } from '../stats-watch.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun monitor', 'A live view of all containers, those of the daemon and those made without it. q ends it.')
      .option('-a, --all', 'also those that have ended')
      .option('-d, --delay <SECONDS>', 'time between two looks (default 1)', (text: string) => parseInteger('--delay', text, 1, 3600))
      .option('-n, --count <NUMBER>', 'so many looks, then end', (text: string) => parseInteger('--count', text, 1, 1e6))
      .usage('[options]'),
    ['monitor', 'until q is typed'],
    ['monitor -n 1', 'one look, for a script'],
  );

interface Row {
  name: string;
  image: string;
  status: string;
  running: boolean;
  cpuPercent: number;
  memory: number;
  limit: number;
  pids: number;
}

/** Processor time of containers made without the daemon, between two looks. */
function daemonlessLook() {
  const before = new Map<string, { cpu: bigint; at: number }>();
  return (view: ContainerView): Row => {
    const running = view.status === 'running' || view.status === 'paused';
    const stats = running ? readStats(view.state.cgroups, view.pid) : undefined;
    const cpu = stats?.cpu.usage.total ?? 0n;
    const at = performance.now();
    const last = before.get(view.state.id);
    before.set(view.state.id, { cpu, at });
    const limit = Number(stats?.memory.usage.limit ?? 0n);
    return {
      name: view.state.name,
      image: view.state.rootfs,
      status: statusOf(view),
      running,
      cpuPercent: last && at > last.at ? (Number(cpu - last.cpu) / 1e6 / (at - last.at)) * 100 : 0,
      memory: Number(stats?.memory.usage.usage ?? 0n),
      limit: limit > 0 && limit < totalmem() ? limit : totalmem(),
      pids: Number(stats?.pids.current ?? 0n),
    };
  };
}

function daemonLook(connection: Connection, all: boolean) {
  const watch = watchStats(connection);
  return {
    async rows(): Promise<Row[]> {
      const found = await ask<ContainerInfo[]>(connection, '/containers/json', { query: { all: all ? 1 : undefined } });
      const named = found.map((c) => ({
        id: c.Id,
        name: (c.Names[0] ?? '').replace(/^\//, ''),
        running: c.State === 'running' || c.State === 'paused',
      }));
      watch.follow(named);
      const usages = new Map(watch.usages().map((usage) => [usage.name, usage]));
      return found.map((c, n) => {
        const { name, running } = named[n] as (typeof named)[number];
        const usage = usages.get(name);
        return {
          name,
          image: c.Image,
          status: c.Status,
          running,
          cpuPercent: usage?.cpuPercent ?? 0,
          memory: usage?.memory ?? 0,
          limit: usage?.memoryLimit ?? 0,
          pids: usage?.pids ?? 0,
        };
      });
    },
    close: watch.close,
  };
}

const BAR = 10;
const bar = (part: number): string => {
  const filled = Math.max(0, Math.min(BAR, Math.round(part * BAR)));
  return '|'.repeat(filled) + '.'.repeat(BAR - filled);
};

/** Pure, for tests. */
export function monitorText(rows: readonly Row[], now: Date, look: ReturnType<typeof lookOf>): string {
  const { dim } = palette(look.colour === true);
  const running = rows.filter((row) => row.running);
  const sum = (of: (row: Row) => number) => running.reduce((total, row) => total + of(row), 0);
  const head = `minirun ${now.toTimeString().slice(0, 8)}: ${running.length} of ${rows.length} running, ${sum((r) => r.cpuPercent).toFixed(1)}% of a processor, ${binarySize(
    sum((r) => r.memory),
    3,
  )} of memory`;
  const table = tableText(
    [
      ['NAME', 'STATUS', 'CPU %', 'MEMORY', '', 'PIDS', 'IMAGE'],
      ...[...rows]
        .sort((a, b) => b.cpuPercent - a.cpuPercent || b.memory - a.memory)
        .map((row) => [
          row.name,
          row.status,
          row.running ? row.cpuPercent.toFixed(1) : '-',
          row.running ? binarySize(row.memory, 3) : '-',
          row.running && row.limit > 0 ? bar(row.memory / row.limit) : '',
          row.running ? String(row.pids) : '-',
          row.image,
        ]),
    ],
    look,
  );
  return `${dim(head)}\n\n${table}`;
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { all = false, delay = 1, count = Number.POSITIVE_INFINITY } = parsed.opts<{ all?: boolean; delay?: number; count?: number }>();
  const connection = await connectIfThere(context);
  const look = connection && daemonLook(connection, all);
  const without = daemonlessLook();
  const named = daemonNamed(context);
  const screen = openScreen();
  const rows = async () => {
    const views = named ? [] : listContainers(await context.stateRoot()).filter((view) => all || view.status !== 'stopped');
    return [...((await look?.rows()) ?? []), ...views.map(without)];
  };
  try {
    // What was used since the last look can only be told from the second one on.
    await rows();
    for (let n = 0; n < count && (await screen.pause(delay * 1000)); n++) {
      screen.show(monitorText(await rows(), new Date(), lookOf(process.stdout)));
    }
  } finally {
    screen.close();
    look?.close();
  }
  return 0;
}
