/** `minirun logs` of a container of the daemon. */
import type { ContainerInspectInfo } from 'dockerode';
import type { LogsOptions } from '../commands/logs.ts';
import type { Connection } from './connect/connect.ts';
import { ask, askStream } from './connect/request.ts';
import { parseTime } from './container/times.ts';
import { copyFrames, copyRaw } from './streams/frames.ts';

export async function dockerLogs(connection: Connection, name: string, o: LogsOptions): Promise<number> {
  const { Id, Config } = await ask<ContainerInspectInfo>(connection, `/containers/${name}/json`);
  const query = {
    stdout: 1,
    stderr: 1,
    follow: o.follow ? 1 : undefined,
    timestamps: o.timestamps ? 1 : undefined,
    details: o.details ? 1 : undefined,
    tail: o.tail === undefined || o.tail === Number.POSITIVE_INFINITY ? 'all' : o.tail,
    since: o.since === undefined ? undefined : parseTime('--since', o.since),
    until: o.until === undefined ? undefined : parseTime('--until', o.until),
  };
  const stream = await askStream(connection, `/containers/${Id}/logs`, { query });
  await (Config.Tty ? copyRaw(stream, process.stdout) : copyFrames(stream, process.stdout, process.stderr));
  return 0;
}
