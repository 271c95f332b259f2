/** Messages on unix sockets with descriptors in them (unix(7), SCM_RIGHTS; cmsg(3)). */
import { call } from './fd.ts';
import { addressOf, must } from './ffi.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** struct cmsghdr: length (8 bytes), level, type; then the descriptors. */
const CMSG_HEADER = 16;
const MSG_CMSG_CLOEXEC = 0x40000000;
const EINTR = 4;

/** struct msghdr with one piece of data and a control buffer. */
function header(data: Buffer, control: Buffer): { message: Buffer; iov: Buffer } {
  const iov = Buffer.alloc(16);
  iov.writeBigUInt64LE(addressOf(data), 0);
  iov.writeBigUInt64LE(BigInt(data.length), 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(addressOf(iov), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(addressOf(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  return { message, iov };
}

/** Calls again what a signal has interrupted. */
function uninterrupted(act: () => number): number {
  for (;;) {
    const result = act();
    if (result !== -EINTR) return result;
  }
}

/**
 * recvmsg(2): waits for one message of at most `size` bytes.
 * @returns its bytes, none at end of file, and the descriptors that came with it (close-on-exec; the caller closes them)
 * @throws SyscallError
 */
export function receiveMessage(socket: number, size: number): { bytes: Buffer; descriptors: number[] } {
  const data = Buffer.alloc(size);
  const control = Buffer.alloc(CMSG_HEADER + 4 * 16);
  const { message, iov } = header(data, control);
  const n = must(
    'receive a message',
    uninterrupted(() => call('recvmsg', socket, addressOf(message), MSG_CMSG_CLOEXEC)),
  );
  // The pieces are reachable only through addresses: this use keeps them alive until here.
  if (iov.length === 0) throw new Error('unreachable');
  const filled = Number(message.readBigUInt64LE(40));
  const descriptors: number[] = [];
  if (filled >= CMSG_HEADER && control.readInt32LE(8) === SOL_SOCKET && control.readInt32LE(12) === SCM_RIGHTS) {
    const end = Number(control.readBigUInt64LE(0));
    for (let at = CMSG_HEADER; at + 4 <= end; at += 4) descriptors.push(control.readInt32LE(at));
  }
  return { bytes: data.subarray(0, n), descriptors };
}

/** sendmsg(2): hands an open descriptor to whoever is at the other end, with a name as the message. @throws SyscallError */
export function sendDescriptor(socket: number, descriptor: number, name: string): void {
  const data = Buffer.from(name);
  const control = Buffer.alloc(CMSG_HEADER + 8);
  control.writeBigUInt64LE(BigInt(CMSG_HEADER + 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(descriptor, CMSG_HEADER);
  const { message, iov } = header(data, control);
  must(
    'send a descriptor',
    uninterrupted(() => call('sendmsg', socket, addressOf(message), 0)),
  );
  if (iov.length === 0) throw new Error('unreachable');
}
