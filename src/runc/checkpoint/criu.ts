/**
 * Talking to criu: `criu swrk 3` takes one request on descriptor 3, asks back at the stages of its
 * work, and answers (criu.org/RPC). The conversation is synchronous, as everything that makes containers.
 */
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { closeFd, socketPair } from '../../libc/fd.ts';
import { waitBlocking } from '../../libc/process.ts';
import { spawn } from '../../libc/spawn.ts';
import { receiveMessage } from '../../libc/unix-message.ts';
import { findProgram } from '../host/probe.ts';
import { type CriuFeatures, type CriuOptions, type CriuRequest, type CriuResponse, decodeResponse, encodeRequest, REQUEST } from './rpc.ts';

/** criu's own notifications are some bytes long; this is what runc leaves room for. */
const LONGEST_MESSAGE = 40 * 1024;

export interface Notification {
  /** The stage: `setup-namespaces`, `post-restore`, … (criu.org/Action_scripts). */
  stage: string;
  /** The container's first process, where criu names it; 0 otherwise. */
  pid: number;
  /** Came with the notification; closed after the handler has returned. */
  descriptors: number[];
}

export const NO_ANSWER = 'it ended without an answer';

/** criu said no, or ended without an answer. */
export class CriuFailure extends Error {
  readonly errno: number;
  constructor(type: string, errno: number, why = '') {
    super(`criu failed: type ${type} errno ${errno}${why && `, ${why}`}`);
    this.errno = errno;
  }
}

/**
 * The absolute path of criu.
 * @param name a path, or a name that is looked for in PATH
 * @throws Error that says what to install
 */
export function findCriu(name: string): string {
  const path = name.includes('/') ? resolve(name) : findProgram(name);
  if (path !== undefined && existsSync(path)) return path;
  throw new Error(
    `checkpoint and restore need the program ${name}, and it is not ${path === undefined ? 'in PATH' : 'there'}; install the package criu, or name its place with the global option --criu`,
  );
}

/** The environment that criu gets: it looks for tar, ip and iptables in PATH. */
export const criuEnvironment = (): string[] => Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);

/** Starts criu without streams, for what needs none. @throws SyscallError when it cannot be executed */
function startCriu(path: string): { pid: number; socket: number } {
  const [ours, theirs] = socketPair('seqpacket');
  const nothing = openSync('/dev/null', 'r+');
  try {
    const fds = new Map([0, 1, 2].map((n) => [n, nothing]));
    return { pid: spawn({ path, argv: ['criu', 'swrk', '3'], env: criuEnvironment(), fds: fds.set(3, theirs) }), socket: ours };
  } catch (error) {
    closeFd(ours);
    throw error;
  } finally {
    closeSync(nothing);
    closeFd(theirs);
  }
}

const NO_MESSAGE = { bytes: Buffer.alloc(0), descriptors: [] };

/** Undefined when criu has ended; with something unread that is an error of its own. */
function unlessGone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (['EPIPE', 'ECONNRESET'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/**
 * Sends a request, handles the notifications, and returns the response.
 * @param socket the other end of criu's descriptor 3
 * @param notified an error that it throws makes criu give up and undo what it has done
 * @throws CriuFailure; what `notified` threw
 */
export function converse(socket: number, request: CriuRequest, notified: (notification: Notification) => void = () => {}): CriuResponse {
  unlessGone(() => writeSync(socket, encodeRequest(request)));
  let refused: unknown;
  for (;;) {
    const { bytes, descriptors } = unlessGone(() => receiveMessage(socket, LONGEST_MESSAGE)) ?? NO_MESSAGE;
    if (bytes.length === 0) throw refused ?? new CriuFailure(request.type, 0, NO_ANSWER);
    const response = decodeResponse(bytes);
    if (!response.success) throw refused ?? new CriuFailure(request.type, response.cr_errno ?? 0);
    if (response.type !== REQUEST.NOTIFY) return response;
    let ok = true;
    try {
      notified({ stage: response.notify?.script ?? '', pid: response.notify?.pid ?? 0, descriptors });
    } catch (error) {
      refused = error;
      ok = false;
    } finally {
      for (const fd of descriptors) closeFd(fd);
    }
    unlessGone(() => writeSync(socket, encodeRequest({ type: 'NOTIFY', notify_success: ok })));
  }
}

/**
 * One request to a criu of its own, which has ended when this returns.
 * @throws CriuFailure; Error when criu cannot be started
 */
export function ask(path: string, request: CriuRequest, notified?: (notification: Notification) => void): CriuResponse {
  const { pid, socket } = startCriu(path);
  try {
    return converse(socket, request, notified);
  } finally {
    // After PRE_DUMP criu waits for a next request: the end of the connection tells it that there is none.
    closeFd(socket);
    waitBlocking(pid);
  }
}

/** criu's version as one number, 3.17.1 as 31701. */
export function criuVersion(path: string): number {
  const { version } = ask(path, { type: 'VERSION' });
  return (version?.major_number ?? 0) * 10000 + (version?.minor_number ?? 0) * 100 + (version?.sublevel ?? 0);
}

const FEATURE_WORDS: Record<keyof CriuFeatures, string> = {
  mem_track: 'the kernel cannot say which memory has changed (CONFIG_MEM_SOFT_DIRTY), which --pre-dump needs',
  lazy_pages: 'the kernel or this criu lacks userfaultfd in the form that --lazy-pages needs',
};

/** @throws Error that names the feature which this machine does not have */
export function checkFeature(path: string, feature: keyof CriuFeatures, opts: CriuOptions): void {
  const { features } = ask(path, { type: 'FEATURE_CHECK', opts, features: { [feature]: true } });
  if (features?.[feature] !== true) throw new Error(`CRIU is missing features: ${FEATURE_WORDS[feature]}`);
}
