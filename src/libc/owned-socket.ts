/** Servers on unix sockets that belong to their owner alone. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import type { Http2Server } from 'node:http2';
import { connect, type ListenOptions, type Server } from 'node:net';
import { dirname } from 'node:path';

/**
 * Listens on a socket that only its owner can connect to, from its first moment on. One that a killed
 * daemon left is replaced.
 * @throws Error when another process listens there; the message ends with the hint
 */
export async function listenOwned(server: Server | Http2Server, path: string, hint: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    if (await answers(path)) throw new Error(`${path}: another daemon listens there; ${hint}`);
    rmSync(path);
  }
  const before = process.umask(0o177);
  try {
    await listening(server, { path });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
}

/** Resolves when it listens. @throws Error of the system when it cannot */
export const listening = (server: Server | Http2Server, where: ListenOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });

/** Whether somebody accepts connections there. */
const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
