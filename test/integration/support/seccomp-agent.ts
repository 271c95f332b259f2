/** A seccomp agent for tests: takes listeners from a runtime and decides about system calls (seccomp_unotify(2)). */
import { call, closeFd } from '../../../src/libc/fd.ts';
import { addressOf, must, syscall } from '../../../src/libc/ffi.ts';
import { receiveMessage } from '../../../src/libc/unix-message.ts';
import { listenAt } from '../../../src/libc/unix-socket.ts';

const PPOLL = process.arch === 'arm64' ? 73 : 271;
const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
const FLAG_CONTINUE = 1;
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

/** What came with a listener. */
export interface Taken {
  listener: number;
  /** All that was sent until the connection closed. */
  text: string;
}

/** True when there is something to read before the time is over. */
function readable(fd: number, seconds: number): boolean {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeInt16LE(1, 4);
  const time = Buffer.alloc(16);
  time.writeBigInt64LE(BigInt(seconds * SLOWNESS), 0);
  return must('ppoll', syscall(PPOLL, [addressOf(pollfd), 1, addressOf(time), 0, 0])) > 0 && (pollfd.readInt16LE(6) & 1) !== 0;
}

/** Blocks this thread, as the runtime is another process. @throws Error after ten seconds */
function waitReadable(fd: number, what: string): void {
  if (!readable(fd, 10)) throw new Error(`seccomp agent: nothing came: ${what}`);
}

export function agentAt(path: string) {
  const socket = listenAt(path, 'stream');
  return {
    /** Lets somebody connect, and hangs up. */
    hangUp(): void {
      waitReadable(socket, 'no connection');
      closeFd(must('accept', call('accept4', socket, 0, 0, 0o2000000)));
    },
    /** Takes one listener, and reads the message to its end. */
    take(): Taken {
      waitReadable(socket, 'no connection');
      const connection = must('accept', call('accept4', socket, 0, 0, 0o2000000));
      try {
        waitReadable(connection, 'no message');
        const first = receiveMessage(connection, 65536);
        const parts = [first.bytes];
        for (;;) {
          waitReadable(connection, 'no end of the connection');
          const { bytes } = receiveMessage(connection, 65536);
          if (!bytes.length) break;
          parts.push(bytes);
        }
        if (first.descriptors.length !== 1) throw new Error(`${first.descriptors.length} descriptors came with the message`);
        return { listener: first.descriptors[0] as number, text: Buffer.concat(parts).toString() };
      } finally {
        closeFd(connection);
      }
    },
    /**
     * Answers one system call: with an errno, or (0) lets it pass.
     * @param look what is done while the caller waits, with its pid as the agent sees it
     * @returns the call's number; undefined when none came
     */
    answer(listener: number, errno: number, seconds = 10, look: (pid: number) => void = () => {}): number | undefined {
      if (!readable(listener, seconds)) return undefined;
      const notification = Buffer.alloc(80);
      must('receive a notification', call('ioctl', listener, SECCOMP_IOCTL_NOTIF_RECV, addressOf(notification)));
      look(notification.readUInt32LE(8));
      const response = Buffer.alloc(24);
      response.writeBigUInt64LE(notification.readBigUInt64LE(0), 0);
      response.writeInt32LE(-errno, 16);
      response.writeUInt32LE(errno ? 0 : FLAG_CONTINUE, 20);
      must('answer it', call('ioctl', listener, SECCOMP_IOCTL_NOTIF_SEND, addressOf(response)));
      return notification.readInt32LE(16);
    },
    close(): void {
      closeFd(socket);
    },
  };
}
