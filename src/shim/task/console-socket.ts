/** The socket on which a runtime program hands over a terminal's master end (runc's --console-socket). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call, closeFd, receiveDescriptor } from '../../libc/fd.ts';
import { must } from '../../libc/ffi.ts';
import { poll } from '../../libc/poll.ts';
import { listenAt } from '../../libc/unix-socket.ts';

const SOCK_CLOEXEC = 0o2000000;

export interface ConsoleSocket {
  path: string;
  /** The master end, once it has come; the caller closes it. */
  master(): Promise<number>;
  /** Removes the socket, whether it was used or not. */
  close(): void;
}

const readable = (fd: number): Promise<void> =>
  new Promise((resolve) => {
    const waiting = poll(fd);
    waiting.when('readable', () => {
      waiting.close();
      resolve();
    });
  });

/** A socket in a folder of its own, closed to others. */
export function consoleSocket(): ConsoleSocket {
  const folder = mkdtempSync(join(tmpdir(), 'pty'));
  const path = join(folder, 'pty.sock');
  const listening = listenAt(path, 'stream');
  const received = (async () => {
    await readable(listening);
    const connection = must('accept a terminal', call('accept4', listening, 0, 0, SOCK_CLOEXEC));
    try {
      await readable(connection);
      const master = receiveDescriptor(connection);
      if (master === undefined) throw new Error('the OCI runtime closed the console socket without a terminal');
      return master;
    } finally {
      closeFd(connection);
    }
  })();
  received.catch(() => {}); // told to whoever asks
  return {
    path,
    master: () => received,
    close() {
      rmSync(folder, { recursive: true, force: true });
      closeFd(listening);
    },
  };
}
