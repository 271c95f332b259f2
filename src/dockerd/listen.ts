/** The addresses on which the API is served. */
import type { Server } from 'node:net';
import { listening, listenOwned } from '../libc/owned-socket.ts';

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

/** Listens; a unix socket is its owner's alone from its first moment on. @throws when another daemon does */
export const listen = (server: Server, { path, host, port }: Address): Promise<void> =>
  path === undefined ? listening(server, { host, port }) : listenOwned(server, path, 'stop it, or choose another --host');
