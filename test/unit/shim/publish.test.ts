import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TaskStartSchema } from '../../../src/proto/containerd/events/task_pb.ts';
import { type Envelope, Events } from '../../../src/proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import { openPublisher, type PublisherOptions } from '../../../src/shim/publish.ts';
import { serveTtrpc } from '../../../src/shim/ttrpc/server.ts';

describe('events of a shim', () => {
  let folder: string;
  let address: string;
  const logged: string[] = [];
  const toEnd: (() => void)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-publish-'));
    address = join(folder, 's');
    logged.length = 0;
  });
  afterEach(() => {
    for (const end of toEnd.splice(0)) end();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<PublisherOptions> = {}) =>
    openPublisher({ namespace: 'moby', address, binary: '', grpcAddress: '/grpc.sock', log: (line) => void logged.push(line), ...options });
  const event = (pid: number) => ['/tasks/start', TaskStartSchema, create(TaskStartSchema, { containerId: 'a', pid })] as const;
  const pidOf = (envelope: Envelope) => fromBinary(TaskStartSchema, envelope.event?.value ?? new Uint8Array()).pid;

  /** containerd, as far as a shim sees it. */
  async function containerd(forward: (envelope: Envelope) => void | Promise<void>): Promise<() => void> {
    const server: Server = createServer();
    const sockets = new Set<Socket>();
    server.on('connection', (socket) => sockets.add(socket));
    serveTtrpc(server, (router) =>
      router.service(Events, {
        async forward({ envelope }) {
          await forward(envelope as Envelope);
          return {};
        },
      }),
    );
    server.listen(address);
    await once(server, 'listening');
    const end = () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    };
    toEnd.push(end);
    return end;
  }

  it('arrive one after another, however long each takes', async () => {
    const got: number[] = [];
    let atOnce = 0;
    await containerd(async (envelope) => {
      atOnce++;
      expect(atOnce).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, pidOf(envelope) % 3));
      got.push(pidOf(envelope));
      expect(envelope).toMatchObject({ namespace: 'moby', topic: '/tasks/start', event: { typeUrl: 'containerd.events.TaskStart' } });
      atOnce--;
    });
    const publisher = open();
    for (let pid = 1; pid <= 50; pid++) publisher.publish(...event(pid));
    await publisher.flush(5000);
    expect(got).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect(publisher.waiting).toBe(0);
  });

  it('wait while containerd is away, and while it restarts', async () => {
    const got: number[] = [];
    const publisher = open();
    publisher.publish(...event(1));
    publisher.publish(...event(2));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(publisher.waiting).toBe(2);
    const end = await containerd((envelope) => void got.push(pidOf(envelope)));
    await publisher.flush(5000);
    expect(got).toEqual([1, 2]);
    end();
    publisher.publish(...event(3));
    await publisher.flush(100);
    expect(publisher.waiting).toBe(1);
    await containerd((envelope) => void got.push(pidOf(envelope)));
    publisher.publish(...event(4));
    await publisher.flush(5000);
    expect(got).toEqual([1, 2, 3, 4]);
    expect(logged).toEqual([]);
  });

  it('that containerd refuses do not hold up the others', async () => {
    const got: number[] = [];
    await containerd((envelope) => {
      if (pidOf(envelope) === 1) throw new ConnectError('no such topic', Code.InvalidArgument);
      got.push(pidOf(envelope));
    });
    const publisher = open();
    publisher.publish(...event(1));
    publisher.publish(...event(2));
    await publisher.flush(5000);
    expect(got).toEqual([2]);
    expect(logged).toEqual([expect.stringContaining('no such topic')]);
  });

  it('go through the program where containerd serves no ttrpc', async () => {
    const binary = join(folder, 'containerd');
    writeFileSync(binary, `#!/bin/sh\necho "$@" >> ${folder}/words\ncat > ${folder}/event\n`);
    chmodSync(binary, 0o755);
    const publisher = open({ address: '', binary });
    publisher.publish(...event(7));
    await publisher.flush(5000);
    expect(readFileSync(join(folder, 'words'), 'utf8')).toBe('--address /grpc.sock publish --topic /tasks/start --namespace moby\n');
    const any = fromBinary(AnySchema, readFileSync(join(folder, 'event')));
    expect(any.typeUrl).toBe('containerd.events.TaskStart');
    expect(fromBinary(TaskStartSchema, any.value).pid).toBe(7);
  });
});
