/**
 * The daemon's sockets: gRPC over HTTP/2 without TLS for clients, ttrpc for the events of shims.
 * Whoever may connect is root on this machine, so the sockets are root's alone.
 */
import { rmSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { createServer as createSocketServer, type Server, type Socket } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { releaseWhenIdle } from '../libc/idle.ts';
import { listenOwned } from '../libc/owned-socket.ts';
import { received } from '../messages/received.ts';
import { serveTtrpc } from '../shim/ttrpc/server.ts';
import type { Containerd } from './containerd.ts';
import { asGrpcError } from './grpc-error.ts';

const HINT = 'stop it, or choose another --address';
/** containerd's own limits, in bytes. */
const MAX_MESSAGE = 16 << 20;
/** HTTP/2's default of 64 KiB makes a stream of content wait for an answer every 64 KiB. */
const WINDOW = 4 << 20;

export interface Listening {
  /**
   * Nobody can connect any more, and who is connected is cut off.
   * @param leaveMs how long those who are connected may first go by themselves: milliseconds
   */
  close(leaveMs?: number): Promise<void>;
}

/**
 * Serves a containerd on ADDRESS, and its shims on ADDRESS.ttrpc.
 * @param address path of a socket; one that a killed daemon left is replaced
 * @throws when another daemon listens there
 */
export async function serveContainerd(containerd: Containerd, address: string): Promise<Listening> {
  const sessions = new Set<ServerHttp2Session>();
  const grpc = createServer(
    { settings: { initialWindowSize: WINDOW } },
    connectNodeAdapter({
      routes: received(containerd.routes, { from: 'a client', to: 'containerd', protocol: 'gRPC' }),
      interceptors: [asGrpcError(containerd.log)],
      connect: false,
      grpcWeb: false,
      // Both ends are on this machine.
      acceptCompression: [],
      readMaxBytes: MAX_MESSAGE,
      writeMaxBytes: MAX_MESSAGE,
    }),
  );
  grpc.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(WINDOW);
    session.on('close', () => sessions.delete(session));
  });
  // Idle, a daemon gives back what its last calls have used.
  const busy = releaseWhenIdle();
  busy();
  grpc.on('stream', (stream) => {
    busy();
    stream.on('close', busy);
  });
  // A client that goes away in the middle is no fault of ours.
  grpc.on('sessionError', (error) => containerd.log('debug', 'connection failed', { error }));
  const shims = await listenForShims(containerd, address);
  try {
    // Clients are served when it is known what there is.
    await containerd.restore();
    await listenOwned(grpc, address, HINT);
  } catch (error) {
    await shims.close();
    throw error;
  }
  return {
    async close(leaveMs) {
      for (const session of sessions) session.destroy();
      await Promise.all([ended(grpc), shims.close(leaveMs)]);
      rmSync(address, { force: true });
    },
  };
}

/** Serves only what shims call, on ADDRESS.ttrpc. */
export async function listenForShims(containerd: Pick<Containerd, 'shimRoutes'>, address: string): Promise<Listening> {
  const path = `${address}.ttrpc`;
  const server = createSocketServer();
  serveTtrpc(server, received(containerd.shimRoutes, { from: 'shim', to: 'containerd', protocol: 'ttrpc' }));
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await listenOwned(server, path, HINT);
  return {
    async close(leaveMs = 0) {
      const over = ended(server);
      // A shim keeps its connection as long as it lives.
      const cutOff = setTimeout(() => sockets.forEach((socket) => socket.destroy()), leaveMs);
      await over;
      clearTimeout(cutOff);
      rmSync(path, { force: true });
    },
  };
}

const ended = (server: Server | Http2Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
