/** What is left of a request's body when its handler has refused it. */
import type { IncomingMessage } from 'node:http';

/** A client that sends more, or is so slow, is cut off. Reading costs little, and being cut off tells a client nothing. */
const MOST = 1 << 30;
const PATIENCE_MS = 2000;

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
      timer.refresh();
      read += chunk.length;
      if (read > MOST) finish(false);
    };
    request.on('data', count);
    request.once('end', () => finish(true));
    request.once('close', () => finish(false));
    request.resume();
  });
}
