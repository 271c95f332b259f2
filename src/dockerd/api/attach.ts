/** Attaching to the streams of a container. */
import type { Duplex } from 'node:stream';
import { attach } from '../container/attach.ts';
import type { Container } from '../container/containers.ts';
import type { Running } from '../container/running.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest, conflict } from '../http/api-error.ts';
import { type Call, since } from '../http/call.ts';
import { flag } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';

/** What the streams are called for a client: with frames, or as they come. */
export const streamType = (call: Call, tty: boolean): string =>
  since(call, 42) && !tty ? 'application/vnd.docker.multiplexed-stream' : 'application/vnd.docker.raw-stream';

export const attachRoutes = (daemon: Daemon): Route[] => [
  route('POST', '/containers/{id}/attach', async (call) => {
    const container = daemon.containers.get(call.params.id as string);
    const { Status } = container.record.State;
    if (Status === 'paused') throw conflict(`container ${container.id} is paused, unpause the container before attach`);
    if (Status === 'restarting') throw conflict(`container ${container.id} is restarting, wait until the container is running`);
    if (call.query.get('detachKeys')?.includes('=')) throw badRequest('Invalid detach keys provided');
    await attachTo(call, container);
  }),
];

async function attachTo(call: Call, container: Container): Promise<void> {
  const { query } = call;
  const { Tty: tty = false, OpenStdin = false, StdinOnce = false } = container.record.Config;
  const wants = { stdin: flag(query, 'stdin') && OpenStdin, stdout: flag(query, 'stdout'), stderr: flag(query, 'stderr') };
  const connection = call.hijack(streamType(call, tty));
  if (!flag(query, 'stream')) {
    connection.end();
    return;
  }
  const running = container.running ?? (await firstRun(container, connection));
  if (!running || connection.destroyed) {
    connection.end();
    return;
  }
  container.tell('attach');
  await attach(connection, running.streams, {
    ...wants,
    tty,
    once: StdinOnce,
  });
}

/** The container's next start; undefined when the client goes away before it, or the container does. */
const firstRun = (container: Container, connection: Duplex): Promise<Running | undefined> =>
  new Promise((resolve) => {
    const settle = (running?: Running) => {
      container.awaiting.delete(settle);
      off();
      connection.off('close', leave);
      resolve(running);
    };
    const leave = () => settle();
    const off = container.onChange((change) => change !== 'started' && settle());
    container.awaiting.add(settle);
    connection.on('close', leave);
    // Without a reader Node does not notice that the client has gone.
    connection.on('error', () => connection.destroy());
  });
