/** Processes that are not Node's own children: pidfds, waiting, signals, start times. */
import { readFileSync } from 'node:fs';
import { call, closeFd } from './fd.ts';
import { addressOf, loadKoffi } from './ffi.ts';

const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const CLD_EXITED = 1;

/** How a process ended: its exit status, or the signal that ended it. */
export interface ExitStatus {
  code: number;
  signal: number;
}

/** The exit code that a shell reports: the status, or 128 + the signal. */
export const shellCode = (status: ExitStatus): number => (status.signal ? 128 + status.signal : status.code);

function reap(pid: number, options: number): ExitStatus | undefined {
  const info = Buffer.alloc(128);
  let result: number;
  do result = call('waitid', P_PID, pid, addressOf(info), options, 0);
  while (result === -4);
  // siginfo_t: si_signo 0, si_errno 4, si_code 8, si_pid 16, si_uid 20, si_status 24
  if (result < 0 || info.readInt32LE(16) === 0) return undefined;
  const status = info.readInt32LE(24);
  return info.readInt32LE(8) === CLD_EXITED ? { code: status, signal: 0 } : { code: 0, signal: status };
}

/** Waits for a child and reaps it, blocking. Undefined when it is no child of ours. */
export const waitBlocking = (pid: number): ExitStatus | undefined => reap(pid, WEXITED);

/** Reaps a child that has ended; undefined while it runs. */
export const waitNow = (pid: number): ExitStatus | undefined => reap(pid, WEXITED | WNOHANG);

/** Calls back when the process has ended; the returned function stops watching. */
function watch(pid: number, ended: () => void): () => void {
  const pidfd = call('pidfd_open', pid, 0);
  if (pidfd < 0) {
    ended();
    return () => {};
  }
  let watching = true;
  const stop = () => {
    if (!watching) return;
    watching = false;
    handle.stop();
    handle.close();
    closeFd(pidfd);
  };
  const handle = loadKoffi().node.poll(pidfd, { readable: true }, () => {
    stop();
    ended();
  });
  return stop;
}

/**
 * Resolves when the child has ended, and reaps it. Node's event loop goes on meanwhile, and waits
 * for it, unless the wait is given up: then the promise stays open.
 */
export function waitChild(pid: number): { ended: Promise<ExitStatus | undefined>; giveUp: () => void } {
  let giveUp = () => {};
  const ended = new Promise<ExitStatus | undefined>((resolve) => {
    giveUp = watch(pid, () => resolve(waitBlocking(pid)));
  });
  return { ended, giveUp: () => giveUp() };
}

/** Resolves when a process that need not be our child has ended. */
export const waitGone = (pid: number): Promise<void> =>
  new Promise((resolve) => {
    watch(pid, resolve);
  });

/** kill(2). Returns false when the process is gone. */
export const signal = (pid: number, number: number): boolean => call('kill', pid, number) === 0;

/**
 * The 22nd field of /proc/PID/stat: when the process started, in clock ticks since boot. With the
 * pid it names a process for good; pids alone are used again. Undefined when it is gone or a zombie.
 */
export function startTime(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return Number(fields[19]);
}

/** poll(2) of one descriptor for input or its end. Returns false when the time (in ms) is over. */
export function waitReadable(fd: number, ms: number): boolean {
  const POLLIN = 1;
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLLIN, 4);
  const time = Buffer.alloc(16);
  const deadline = performance.now() + ms;
  for (;;) {
    const left = Math.max(0, deadline - performance.now());
    time.writeBigInt64LE(BigInt(Math.floor(left / 1000)), 0);
    time.writeBigInt64LE(BigInt(Math.floor((left % 1000) * 1e6)), 8);
    const n = call('ppoll', addressOf(entry), 1, addressOf(time), 0, 0);
    if (n !== -4) return n > 0;
  }
}

/** Waits for a child and reaps it; blocking, at most `ms` milliseconds. Undefined when it still runs. */
export function waitAtMost(pid: number, ms: number): ExitStatus | undefined {
  const pidfd = call('pidfd_open', pid, 0);
  if (pidfd < 0) return waitBlocking(pid);
  try {
    return waitReadable(pidfd, ms) ? waitBlocking(pid) : undefined;
  } finally {
    closeFd(pidfd);
  }
}
