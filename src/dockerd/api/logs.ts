/** What a container printed: GET /containers/{id}/logs. */
import { once } from 'node:events';
import { readLogOf } from '../container/logs/open.ts';
import type { ReadOptions } from '../container/logs/read.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest, conflict } from '../http/api-error.ts';
import { type Call, since as sinceVersion } from '../http/call.ts';
import { flag, type Query } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';

/** Seconds since 1970 with or without a fraction, as the docker CLI sends them. @returns nanoseconds. @throws 400 */
export function timestamp(query: Query, name: string): bigint | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  const [, sign = '', seconds, fraction = ''] = /^(-?)(\d{1,15})(?:\.(\d{0,20}))?$/.exec(value) ?? [];
  if (seconds === undefined)
    throw badRequest(`invalid value for "${name}": invalid timestamp ${JSON.stringify(value)}: not seconds since 1970`);
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '' ? nanoseconds : -nanoseconds;
}

/** @throws 400 */
export function logOptions(query: Query, tty: boolean): ReadOptions {
  const [stdout, stderr] = [flag(query, 'stdout'), flag(query, 'stderr')];
  if (!stdout && !stderr) throw badRequest('Bad parameters: you must choose at least one stream');
  const until = timestamp(query, 'until');
  const tail = query.get('tail') ?? '';
  return {
    stdout,
    stderr,
    since: timestamp(query, 'since'),
    // The docker CLI's zero is no limit.
    until: until === 0n ? undefined : until,
    // Whatever is no number, `all` first of all, is all; so are numbers below zero.
    tail: /^\+?\d{1,15}$/.test(tail) ? Number(tail) : undefined,
    follow: flag(query, 'follow'),
    timestamps: flag(query, 'timestamps'),
    details: flag(query, 'details'),
    framed: !tty,
  };
}

async function sendLogs(daemon: Daemon, call: Call): Promise<void> {
  const { record, folder, running } = daemon.containers.get(call.params.id as string);
  if (record.State.Status === 'dead' || record.State.Status === 'removing')
    throw conflict('can not get logs from container which is dead or marked for removal');
  const tty = record.Config.Tty === true;
  const pieces = readLogOf(record, folder, running?.log, logOptions(call.query, tty), call.signal);
  const framed = !tty && sinceVersion(call, 42);
  const response = call.stream(framed ? 'application/vnd.docker.multiplexed-stream' : 'application/vnd.docker.raw-stream');
  for await (const piece of pieces) {
    // A client that does not read holds up nobody but itself: until it does, no more is read from the file.
    if (!response.write(piece)) await once(response, 'drain', { signal: call.signal }).catch(() => {});
    if (call.signal.aborted) break;
  }
  response.end();
}

export const logsRoutes = (daemon: Daemon): Route[] => [route('GET', '/containers/{id}/logs', (call) => sendLogs(daemon, call))];
