/** The daemon when nothing happens: it gives memory back, and with --idle-timeout it ends. */
import type { Server } from 'node:net';
import { releaseWhenIdle } from '../libc/idle.ts';
import type { Containers } from './container/containers.ts';
import { isRunning } from './container/record.ts';
import type { Events } from './events.ts';

/** Idle, a daemon gives back what its last calls have used. */
export function releaseMemoryWhenIdle(server: Server): void {
  const busy = releaseWhenIdle();
  busy();
  server.on('connection', (socket) => {
    busy();
    socket.on('close', busy);
  });
  // Clients keep connections open between calls.
  server.on('request', busy);
}

export interface IdleOptions {
  /** All that clients connect to. */
  servers: readonly Server[];
  containers: Pick<Containers, 'list'>;
  events: Pick<Events, 'past'>;
  /** After so long without a client and without a container that runs; 0: never. */
  seconds: number;
  /** Called once. */
  end(): void;
}

/** setTimeout takes no more; in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** @returns stops the watch */
export function endWhenIdle({ servers, containers, events, seconds, end }: IdleOptions): () => void {
  if (seconds === 0) return () => undefined;
  const wanted = seconds * 1000;
  let connections = 0;
  let lastClient = Date.now();
  for (const server of servers) {
    server.on('connection', (socket) => {
      connections++;
      socket.on('close', () => {
        connections--;
        lastClient = Date.now();
      });
    });
  }
  /** Every end of a container is an event, whether or not the container is still there. */
  const lastBusy = (): number => {
    if (connections > 0 || containers.list().some(({ record }) => isRunning(record))) return Date.now();
    return Math.max(lastClient, (events.past().at(-1)?.timeNano ?? 0) / 1e6);
  };
  let timer: NodeJS.Timeout;
  const watch = (ms: number) => {
    timer = setTimeout(
      () => {
        const left = lastBusy() + wanted - Date.now();
        if (left <= 0) end();
        else watch(left);
      },
      Math.min(Math.max(1, Math.ceil(ms)), LONGEST_TIMER),
    );
    timer.unref();
  };
  watch(wanted);
  return () => clearTimeout(timer);
}
