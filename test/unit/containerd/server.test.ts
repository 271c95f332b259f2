/** The daemon's socket for shims, as it closes. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectRouter, createClient } from '@connectrpc/connect';
import { afterAll, describe, expect, it } from 'vitest';
import { listenForShims } from '../../../src/containerd/server.ts';
import { Events } from '../../../src/proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import { connectTtrpc } from '../../../src/shim/ttrpc/client.ts';

const folder = mkdtempSync(join(tmpdir(), 'minirun-server-'));
const address = join(folder, 'containerd.sock');
afterAll(() => rmSync(folder, { recursive: true }));

/** A daemon that takes some time over an event, and a shim that has just sent it one. */
async function underWay() {
  let arrived = () => {};
  const heard = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const forward = async () => {
    arrived();
    await new Promise((resolve) => setTimeout(resolve, 100));
    return {};
  };
  const daemon = { shimRoutes: (router: ConnectRouter) => void router.service(Events, { forward }) };
  const listening = await listenForShims(daemon, address);
  const connection = connectTtrpc(`${address}.ttrpc`);
  const answer = createClient(Events, connection.transport)
    .forward({})
    .then(
      () => 'heard',
      (error: Error) => error.message,
    );
  await heard;
  return { listening, connection, answer };
}

describe('the socket for shims', () => {
  it('cuts off who is connected', async () => {
    const { listening, answer } = await underWay();
    await listening.close();
    expect(await answer).toContain('unavailable');
    expect(existsSync(`${address}.ttrpc`)).toBe(false);
  });

  it('hears shims out that are given time, and waits until they are gone', async () => {
    const { listening, connection, answer } = await underWay();
    let isClosed = false;
    const closed = listening.close(60_000).then(() => {
      isClosed = true;
    });
    expect(await answer).toBe('heard');
    expect(isClosed).toBe(false);
    connection.close();
    await closed;
  });

  it('cuts off who stays for longer', async () => {
    const { listening, connection } = await underWay();
    await listening.close(10);
    await connection.closed;
  });
});
