/** The addresses on which the API is served. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';

export interface Address {
  path?: string;
  host?: string;
  port?: number;
}

/** `unix:///PATH`, `tcp://HOST:PORT`. @throws Error */
export function parseAddress(text: string): Address {
  const unix = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  // unix(7): a socket's path has 108 bytes.
  if (unix !== undefined) {
    if (Buffer.byteLength(unix) > 107) throw new Error(`--host ${text}: the path is longer than a socket's can be (107 bytes)`);
    return { path: unix };
  }
  const [, host, port] = /^tcp:\/\/(\[[0-9a-f:]+\]|[\w.-]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined) throw new Error(`--host ${text}: write unix:///PATH or tcp://HOST:PORT`);
  // Whoever reaches the API is root on this machine (no TLS here), so only this machine may.
  if (!/^(127\.|localhost$|\[::1\]$)/.test(host))
    throw new Error(
      `--host ${text}: without TLS this daemon listens on loopback only; who reaches its API is root. Use ssh: DOCKER_HOST=ssh://…`,
    );
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Listens, on a unix socket that only its owner can connect to from its first moment on. @throws when another daemon does */
export async function listen(server: Server, address: Address): Promise<void> {
  const { path } = address;
  if (path !== undefined) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
      if (await answers(path)) throw new Error(`${path}: another daemon listens there; stop it, or choose another --host`);
      rmSync(path);
    }
  }
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path === undefined ? address : { path }, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
  } finally {
    process.umask(before);
  }
  if (path !== undefined) chmodSync(path, 0o600);
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
