/** What is left of a request's body when its handler has refused it. */
import type { IncomingMessage } from 'node:http';

/** As much as Go's servers read; clients are used to it. */
const MOST = 256 << 10;
const PATIENCE_MS = 1000;

/**
 * Reads the rest: a client that is still sending takes an early answer for a broken connection, and tells that
 * instead of the answer.
 * @returns false when there is more than one wants to read: then the connection is of no use any more
 */
export function drain(request: IncomingMessage): Promise<boolean> {
  if (request.complete) {
    request.resume();
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    let read = 0;
    const finish = (whole: boolean) => {
      clearTimeout(timer);
      request.off('data', count);
      resolve(whole);
    };
    const timer = setTimeout(finish, PATIENCE_MS, false);
    const count = (chunk: Buffer) => {
      read += chunk.length;
      if (read > MOST) finish(false);
    };
    request.on('data', count);
    request.once('end', () => finish(true));
    request.once('close', () => finish(false));
    request.resume();
  });
}
