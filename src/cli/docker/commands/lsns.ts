/** `minirun lsns`: which namespaces each container has of its own, and which it shares. */
import { readlinkSync } from 'node:fs';
import type { Command } from 'commander';
import type { ContainerInspectInfo } from 'dockerode';
import { palette, wantsColour } from '../../../explain/style.ts';
import { listContainers } from '../../../runc/container/list.ts';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connectIfThere, daemonNamed } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { lookOf, tableText } from '../output/table.ts';
import { targets } from '../stats-watch.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand(
      'minirun lsns',
      'Show which namespaces each running container has of its own, and which it shares with the host or with another container.',
    )
      .option('--json', 'as JSON')
      .usage('[options] [CONTAINER...]'),
    ['lsns', 'all containers'],
    ['lsns --json web', 'inode numbers of one, for a script'],
  );

/** As the folder /proc/PID/ns names them; namespaces(7). */
export const KINDS = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;

export interface Owner {
  name: string;
  pid: number;
  /** Inode number of each kind; undefined where it cannot be read. */
  inodes: Record<string, number | undefined>;
}

/** Pure: `own`, `host`, or the name of the first container that has the same one. */
export function sharing(containers: readonly Owner[], host: Owner['inodes']): Record<string, string>[] {
  return containers.map((container, n) =>
    Object.fromEntries(
      KINDS.map((kind) => {
        const inode = container.inodes[kind];
        if (inode === undefined) return [kind, '?'];
        if (inode === host[kind]) return [kind, 'host'];
        const first = containers.findIndex((other) => other.inodes[kind] === inode);
        const shared = containers.some((other, m) => m !== n && other.inodes[kind] === inode);
        return [kind, !shared || first === n ? String(inode) : `= ${containers[first]?.name}`];
      }),
    ),
  );
}

function inodesOf(pid: number | 'self'): Owner['inodes'] {
  return Object.fromEntries(
    KINDS.map((kind) => {
      try {
        return [kind, Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[1])];
      } catch {
        return [kind, undefined];
      }
    }),
  );
}

async function owners(context: Context, names: readonly string[]): Promise<Owner[]> {
  const found: Owner[] = [];
  const add = (name: string, pid: number) => void found.push({ name, pid, inodes: inodesOf(pid) });
  if (!daemonNamed(context))
    for (const { state, pid } of listContainers(await context.stateRoot()))
      if (pid > 0 && (names.length === 0 || names.some((name) => name === state.name || state.id.startsWith(name)))) add(state.name, pid);
  const connection = await connectIfThere(context);
  if (connection) {
    if (!connection.address.socketPath)
      throw new UsageError(`namespaces can be seen on the machine of the container only; ${connection.address.url} is another one`);
    const missing = names.filter((name) => !found.some((owner) => owner.name === name));
    if (names.length === 0 || missing.length > 0)
      for (const { id, running } of await targets(connection, missing, false)) {
        if (!running) continue;
        const { Name, State } = await ask<ContainerInspectInfo>(connection, `/containers/${id}/json`);
        if (State.Pid > 0) add(Name.replace(/^\//, ''), State.Pid);
      }
  }
  return found;
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['[CONTAINER…']);
  const { json } = parsed.opts<{ json?: boolean }>();
  const containers = await owners(context, names);
  const host = inodesOf('self');
  if (json) {
    process.stdout.write(`${JSON.stringify({ host, containers }, null, 2)}\n`);
    return 0;
  }
  const { dim } = palette(wantsColour(process.stdout));
  const rows = sharing(containers, host).map((kinds, n) => {
    const { name, pid } = containers[n] as Owner;
    return [name, String(pid), ...KINDS.map((kind) => kinds[kind] as string)];
  });
  const own = ['(host)', '-', ...KINDS.map((kind) => String(host[kind] ?? '?'))];
  process.stdout.write(tableText([['CONTAINER', 'PID', ...KINDS.map((kind) => kind.toUpperCase())], own, ...rows], lookOf(process.stdout)));
  process.stdout.write(dim('A number is a namespace of its own; "host" is shared with this machine, "= NAME" with another container.\n'));
  return 0;
}
