import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createClient, type HandlerContext } from '@connectrpc/connect';
import { afterEach, describe, expect, it } from 'vitest';
import { Task } from '../../../src/proto/containerd/task/v2/task_pb.ts';
import { RequestSchema } from '../../../src/proto/ttrpc/ttrpc_pb.ts';
import { connectTtrpc, type TtrpcConnection } from '../../../src/shim/ttrpc/client.ts';
import { encodeFrame, FLAG, FRAME, type Frame, frameDecoder } from '../../../src/shim/ttrpc/frame.ts';
import { serveTtrpc } from '../../../src/shim/ttrpc/server.ts';

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0).reverse()) close();
});

async function listening(prepare: (server: Server) => void): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-ttrpc-'));
  const path = join(folder, 's');
  const server = createServer();
  prepare(server);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(path);
  await once(server, 'listening');
  toClose.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return path;
}

const serving = (routes: (router: ConnectRouter) => void) => listening((server) => serveTtrpc(server, routes));

function connected(path: string): TtrpcConnection {
  const connection = connectTtrpc(path);
  toClose.push(() => connection.close());
  return connection;
}

/** A connection on which frames are written by hand. */
async function byHand(path: string) {
  const socket = connect(path);
  toClose.push(() => socket.destroy());
  await once(socket, 'connect');
  const frames: Frame[] = [];
  let wake = () => {};
  socket.on(
    'data',
    frameDecoder((frame) => {
      frames.push(frame);
      wake();
    }),
  );
  const next = async () => {
    while (frames.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return frames.shift() as Frame;
  };
  return { socket, next };
}

const request = (method: string, payload = new Uint8Array(0), service = Task.typeName) =>
  toBinary(RequestSchema, create(RequestSchema, { service, method, payload }));

const codeOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return { code: error.code as Code, message: error.rawMessage as string };
};

describe('ttrpc, client and server', () => {
  it('carries messages, metadata and the time that is left', async () => {
    let seen: HandlerContext | undefined;
    const path = await serving((router) =>
      router.service(Task, {
        state: (message, context) => {
          seen = context;
          return { id: message.id, pid: 42, exitedAt: { seconds: 5n } };
        },
      }),
    );
    const client = createClient(Task, connected(path).transport);
    const answer = await client.state({ id: 'one' }, { headers: { 'Containerd-Namespace-Ttrpc': 'moby' }, timeoutMs: 5000 });
    expect(answer).toMatchObject({ id: 'one', pid: 42, exitedAt: { seconds: 5n } });
    expect(seen?.requestHeader.get('containerd-namespace-ttrpc')).toBe('moby');
    expect(seen?.timeoutMs()).toBeGreaterThan(1000);
    expect(seen?.timeoutMs()).toBeLessThanOrEqual(5000);
  });

  it('answers calls in the order in which they end, a thousand on one connection', async () => {
    const path = await serving((router) =>
      router.service(Task, {
        pids: async ({ id }) => {
          await new Promise((resolve) => setTimeout(resolve, Number(id) % 7));
          return { processes: [{ pid: Number(id) }] };
        },
        // Never answers, and holds nobody up.
        wait: () => new Promise(() => {}),
      }),
    );
    const client = createClient(Task, connected(path).transport);
    client.wait({ id: '0' }).catch(() => undefined);
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, id) => client.pids({ id: String(id) })));
    expect(answers.map(({ processes }) => processes[0]?.pid)).toEqual(answers.map((_, id) => id));
  });

  it('carries errors: their code and their words', async () => {
    const path = await serving((router) =>
      router.service(Task, {
        kill: () => {
          throw new ConnectError('process already finished: not found', Code.NotFound);
        },
        pause: () => {
          throw new Error('boom');
        },
      }),
    );
    const client = createClient(Task, connected(path).transport);
    expect(await codeOf(client.kill({ id: 'a' }))).toEqual({ code: Code.NotFound, message: 'process already finished: not found' });
    expect(await codeOf(client.pause({ id: 'a' }))).toEqual({ code: Code.Unknown, message: 'boom' });
    expect(await codeOf(client.resume({ id: 'a' }))).toEqual({
      code: Code.Unimplemented,
      message: 'method /containerd.task.v2.Task/Resume',
    });
  });

  it('gives up when the time is over, on both sides', async () => {
    let aborted: unknown;
    const path = await serving((router) =>
      router.service(Task, {
        wait: (_message, { signal }) =>
          new Promise(() => {
            signal.addEventListener('abort', () => (aborted = signal.reason));
          }),
      }),
    );
    const client = createClient(Task, connected(path).transport);
    expect((await codeOf(client.wait({ id: 'a' }, { timeoutMs: 50 }))).code).toBe(Code.DeadlineExceeded);
    await expect.poll(() => (aborted as ConnectError | undefined)?.code).toBe(Code.DeadlineExceeded);
  });

  it('tells the service when the caller has gone', async () => {
    let signal: AbortSignal | undefined;
    const path = await serving((router) =>
      router.service(Task, {
        wait: (_message, context) => {
          signal = context.signal;
          return new Promise(() => {});
        },
      }),
    );
    const connection = connected(path);
    const call = codeOf(createClient(Task, connection.transport).wait({ id: 'a' }));
    await expect.poll(() => signal).toBeDefined();
    connection.close();
    expect((await call).code).toBe(Code.Unavailable);
    await connection.closed;
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  it('lets a caller cancel one call and go on with the next', async () => {
    const path = await serving((router) => router.service(Task, { wait: () => new Promise(() => {}), state: ({ id }) => ({ id }) }));
    const client = createClient(Task, connected(path).transport);
    const controller = new AbortController();
    const call = codeOf(client.wait({ id: 'a' }, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe(Code.Canceled);
    expect((await client.state({ id: 'b' })).id).toBe('b');
  });
});

describe('a server of ttrpc', () => {
  it('refuses what is no call of a client, in the words of the Go implementation', async () => {
    const path = await serving((router) => router.service(Task, { state: ({ id }) => ({ id }) }));
    const { socket, next } = await byHand(path);
    const text = async () => Buffer.from((await next()).data).toString('latin1');
    socket.write(encodeFrame(2, FRAME.request, 0, request('State')));
    expect(await text()).toContain('StreamID must be odd');
    socket.write(encodeFrame(1, FRAME.data, 0, new Uint8Array(0)));
    expect(await text()).toContain('StreamID is no longer active');
    socket.write(encodeFrame(3, FRAME.request, 0, Buffer.from('ffffff', 'hex')));
    expect(await text()).toContain('unmarshal request error');
    socket.write(encodeFrame(3, FRAME.request, 0, request('State')));
    expect(await text()).toContain('StreamID cannot be re-used');
    socket.write(encodeFrame(5, FRAME.request, FLAG.remoteOpen, request('State')));
    expect(await text()).toContain('streams are not spoken here');
    socket.write(encodeFrame(7, FRAME.request, 0, request('State', new Uint8Array(0), 'no.such.Service')));
    expect(await text()).toContain('service no.such.Service');
    socket.write(encodeFrame(9, FRAME.request, 0, request('State', Buffer.from('0aff', 'hex'))));
    expect(await text()).toContain('unmarshal containerd.task.v2.StateRequest error');
    // A type that it does not know it must ignore; the call after it is answered.
    socket.write(encodeFrame(11, 9, 0, Buffer.from('later')));
    socket.write(encodeFrame(13, FRAME.request, 0, request('State', Buffer.from('0a0161', 'hex'))));
    expect(await next()).toMatchObject({ stream: 13, type: FRAME.response, flags: 0 });
  });

  it('refuses a frame that is too long and goes on', async () => {
    const path = await serving((router) => router.service(Task, { state: ({ id }) => ({ id }) }));
    const { socket, next } = await byHand(path);
    const header = Buffer.alloc(10);
    header.writeUInt32BE(5 << 20, 0);
    header.writeUInt32BE(1, 4);
    header[8] = FRAME.request;
    socket.write(Buffer.concat([header, Buffer.alloc(5 << 20)]));
    expect(Buffer.from((await next()).data).toString('latin1')).toContain('message length 5242880 exceed maximum message size of 4194304');
    socket.write(encodeFrame(3, FRAME.request, 0, request('State')));
    expect((await next()).stream).toBe(3);
  });

  it('lives on after a client that breaks off in the middle of a frame', async () => {
    const path = await serving((router) => router.service(Task, { state: ({ id }) => ({ id }) }));
    const { socket } = await byHand(path);
    await new Promise((resolve) => socket.write(encodeFrame(1, FRAME.request, 0, request('State')).subarray(0, 14), resolve));
    socket.destroy();
    expect((await createClient(Task, connected(path).transport).state({ id: 'a' })).id).toBe('a');
  });
});

describe('a client of ttrpc', () => {
  it('says that nobody answers', async () => {
    const { code, message } = await codeOf(createClient(Task, connected('/nonexistent/socket').transport).state({ id: 'a' }));
    expect(code).toBe(Code.Unavailable);
    expect(message).toContain('ENOENT');
  });

  it('fails all that is under way when the server goes', async () => {
    const path = await listening((server) => server.on('connection', (socket) => socket.once('data', () => socket.destroy())));
    const connection = connected(path);
    const client = createClient(Task, connection.transport);
    const codes = await Promise.all([codeOf(client.state({ id: 'a' })), codeOf(client.state({ id: 'b' }))]);
    expect(codes.map(({ code }) => code)).toEqual([Code.Unavailable, Code.Unavailable]);
    expect((await codeOf(client.state({ id: 'c' }))).code).toBe(Code.Unavailable);
    await connection.closed;
  });

  it('survives answers that nobody asked for and such that cannot be read', async () => {
    const path = await listening((server) =>
      server.on('connection', (socket) =>
        socket.once('data', () => {
          socket.write(encodeFrame(99, FRAME.response, 0, new Uint8Array(0)));
          socket.write(encodeFrame(1, FRAME.data, 0, new Uint8Array(0)));
          socket.write(encodeFrame(1, FRAME.response, 0, Buffer.from('ffff', 'hex')));
        }),
      ),
    );
    expect((await codeOf(createClient(Task, connected(path).transport).state({ id: 'a' }))).code).toBe(Code.Internal);
  });

  it('refuses to send more than a frame carries', async () => {
    const path = await serving((router) => router.service(Task, {}));
    const call = createClient(Task, connected(path).transport).state({ id: 'x'.repeat((4 << 20) + 1) });
    expect((await codeOf(call)).code).toBe(Code.ResourceExhausted);
  });
});
