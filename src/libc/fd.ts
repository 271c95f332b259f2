/** File descriptors that Node's fs module cannot make: memfds, socket pairs, high duplicates. */
import { closeSync, writeSync } from 'node:fs';
import { addressOf, cstring, must, syscall } from './ffi.ts';
import { syscallNumber } from './syscalls.ts';

/** The architectures that minirun runs on; anything else is refused by `doctor` and the engines. */
export const hostArch = (): 'x64' | 'arm64' => (process.arch === 'arm64' ? 'arm64' : 'x64');

/** A system call by its libc name on this machine. Returns the result, or -errno. */
export const call = (name: string, ...args: (number | bigint)[]): number => syscall(syscallNumber(name, hostArch()), args);

export const closeFd = (fd: number): void => {
  call('close', fd);
};

const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;
const F_SEAL_ALL = 1 | 2 | 4 | 8; // SEAL, SHRINK, GROW, WRITE
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const MFD_EXEC = 0x10;

/** A close-on-exec duplicate with a number of at least 100. */
export const duplicateHigh = (fd: number): number => must(`duplicate descriptor ${fd}`, call('fcntl', fd, F_DUPFD_CLOEXEC, 100));

function memfd(name: string, flags: number): number {
  const cname = cstring(name);
  return call('memfd_create', addressOf(cname), flags);
}

/** memfd_create(2): anonymous memory as a file, holding `bytes`. The caller closes it. */
export function memoryFile(name: string, bytes: Uint8Array): number {
  const fd = must(`memfd_create ${name}`, memfd(name, MFD_CLOEXEC));
  writeSync(fd, bytes);
  return fd;
}

/**
 * A memfd that nobody can change any more, to be executed (CVE-2019-5736: a container that
 * reaches its runtime's executable through /proc must not be able to write to it).
 */
export function sealedExecutable(name: string, bytes: Uint8Array): number {
  let fd = memfd(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (fd === -22) fd = memfd(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); // before Linux 6.3: no MFD_EXEC
  must(`memfd_create ${name}`, fd);
  writeSync(fd, bytes);
  must('seal the memfd', call('fcntl', fd, F_ADD_SEALS, F_SEAL_ALL));
  return fd;
}

const AF_UNIX = 1;
const SOCK_SEQPACKET_CLOEXEC = 5 | 0o2000000;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;

/** socketpair(2): two connected unix sockets, close-on-exec. `seqpacket` keeps message boundaries. */
export function socketPair(type: 'stream' | 'seqpacket'): [number, number] {
  const out = Buffer.alloc(8);
  const flags = type === 'stream' ? SOCK_STREAM_CLOEXEC : SOCK_SEQPACKET_CLOEXEC;
  must('socketpair', call('socketpair', AF_UNIX, flags, 0, addressOf(out)));
  return [out.readInt32LE(0), out.readInt32LE(4)];
}

/** Closes a descriptor that Node opened, ignoring that it may be closed already. */
export function closeQuietly(fd: number | undefined): void {
  if (fd === undefined) return;
  try {
    closeSync(fd);
  } catch {
    // already closed
  }
}

/** pipe2(2): [read end, write end], close-on-exec. */
export function pipe(): [number, number] {
  const out = Buffer.alloc(8);
  must('pipe2', call('pipe2', addressOf(out), 0o2000000));
  return [out.readInt32LE(0), out.readInt32LE(4)];
}

/** eventfd2(2): a counter that becomes readable when somebody adds to it; close-on-exec, non-blocking. The caller closes it. */
export function eventCounter(): number {
  const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
  return must('eventfd2', call('eventfd2', 0, EFD_CLOEXEC_NONBLOCK));
}

/**
 * recvmsg(2): waits for one message on a unix socket and returns the descriptor that came with it
 * (SCM_RIGHTS), close-on-exec. Undefined when the other end closed without sending one.
 */
export function receiveDescriptor(socket: number): number | undefined {
  const payload = Buffer.alloc(64);
  const control = Buffer.alloc(32);
  const iov = Buffer.alloc(16);
  iov.writeBigUInt64LE(addressOf(payload), 0);
  iov.writeBigUInt64LE(BigInt(payload.length), 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(addressOf(iov), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(addressOf(control), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  const MSG_CMSG_CLOEXEC = 0x40000000;
  const n = must('receive a descriptor', call('recvmsg', socket, addressOf(message), MSG_CMSG_CLOEXEC));
  if (n === 0 || message.readBigUInt64LE(40) < 20n) return undefined;
  return control.readInt32LE(16);
}
