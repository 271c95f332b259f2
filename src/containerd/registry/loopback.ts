/** Addresses of this machine itself. */
import { isIP } from 'node:net';

/** The host alone of `host:port` or `[::1]:port`. */
export const hostname = (host: string): string => host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** Is it this machine itself? Nobody can listen in there, so plain HTTP is harmless. */
export function isLoopback(host: string): boolean {
  const name = hostname(host);
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
