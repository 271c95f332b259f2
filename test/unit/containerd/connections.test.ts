import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openConnections } from '../../../src/containerd/tasks/connections.ts';
import { Task } from '../../../src/proto/containerd/task/v2/task_pb.ts';
import { connectTtrpc } from '../../../src/shim/ttrpc/client.ts';
import { serveTtrpc } from '../../../src/shim/ttrpc/server.ts';

let folder = '';
let path = '';
let server: Server;
let sockets: Socket[] = [];

/** A shim that answers Connect, and never Wait. */
async function listen(): Promise<void> {
  server = createServer();
  serveTtrpc(server, (router) =>
    router.service(Task, {
      connect: ({ id }) => {
        if (id === 'late') throw new ConnectError('the shim is about to end', Code.Unavailable);
        return { shimPid: 1 };
      },
      wait: () => new Promise(() => undefined),
    }),
  );
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-connections-'));
  path = join(folder, 'shim.sock');
  sockets = [];
  await listen();
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const apiOf = ({ transport }: ReturnType<typeof connectTtrpc>) => createClient(Task, transport);
const isOver = (code: Code) => expect.objectContaining({ code });

it('one is shared by all who look after a container of the shim, also one after another', async () => {
  const connections = openConnections();
  const [first, second] = [connections.to(path), connections.to(`unix://${path}`)];
  await Promise.all([apiOf(first).connect({}), apiOf(second).connect({})]);
  first.close();
  await first.closed;
  second.close();
  await apiOf(connections.to(path)).connect({});
  expect(sockets).toHaveLength(1);
  connections.close();
});

it('who closes his share ends his own calls, and nobody else’s', async () => {
  const connections = openConnections();
  const [first, second] = [connections.to(path), connections.to(path)];
  const calls = [apiOf(first).wait({}), apiOf(second).wait({})] as const;
  await apiOf(second).connect({});
  first.close();
  await expect(calls[0]).rejects.toEqual(isOver(Code.Unavailable));
  await expect(apiOf(first).connect({})).rejects.toEqual(isOver(Code.Unavailable));
  await apiOf(second).connect({});
  connections.close();
  await expect(calls[1]).rejects.toEqual(isOver(Code.Unavailable));
  await second.closed;
});

it('the end of the shim is the end of every share, and the next one connects anew', async () => {
  const connections = openConnections();
  const [first, second] = [connections.to(path), connections.to(path)];
  await apiOf(first).connect({});
  sockets[0]?.destroy();
  await Promise.all([first.closed, second.closed]);
  await apiOf(connections.to(path)).connect({});
  expect(sockets).toHaveLength(2);
  connections.close();
});

it('a shim that is about to end is not asked again over the same connection', async () => {
  const connections = openConnections();
  await expect(apiOf(connections.to(path)).connect({ id: 'late' })).rejects.toEqual(isOver(Code.Unavailable));
  await apiOf(connections.to(path)).connect({});
  expect(sockets).toHaveLength(2);
  connections.close();
});

it('one that nobody has needed for a while is ended', async () => {
  let made = 0;
  const connections = openConnections((address) => {
    made++;
    return connectTtrpc(address);
  }, 20);
  const share = connections.to(path);
  await apiOf(share).connect({});
  const gone = new Promise((resolve) => sockets[0]?.on('close', resolve));
  share.close();
  share.close();
  await gone;
  connections.to(path).close();
  expect(made).toBe(2);
  connections.close();
});

it('where a shim has been started, the next one connects anew, and who has a share keeps it', async () => {
  const connections = openConnections();
  const old = connections.to(path);
  await apiOf(old).connect({});
  connections.renew(`unix://${path}`);
  const fresh = connections.to(path);
  await Promise.all([apiOf(old).connect({}), apiOf(fresh).connect({})]);
  expect(sockets).toHaveLength(2);
  connections.close();
});
