/**
 * `NOTIFY_SOCKET` (sd_notify(3)): a service manager that starts the runtime is told when the
 * container's command says that it is ready. The command gets a socket of its own, since the
 * manager believes only processes that it knows; what it says is passed on.
 */
import { chmodSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { call, closeFd } from '../../libc/fd.ts';
import { addressOf } from '../../libc/ffi.ts';
import { waitReadable } from '../../libc/process.ts';
import { bindAt, sendTo } from '../../libc/unix-socket.ts';
import type { Config } from '../spec/config.ts';
import { isAlive, type ProcessName } from './state.ts';

const NAME = 'notify';
const MSG_DONTWAIT = 0x40;
const LOOK_MS = 100;

/** The folder that the container sees at the manager's path, with the socket in it. */
export const notifyFolder = (root: string, id: string): string => join(root, '.notify', id);

/**
 * The config with the socket in it, and the folder of the socket, which exists now.
 * @param manager the path of the manager's socket
 */
export function withNotifySocket(config: Config, manager: string, folder: string): Config {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { process } = config;
  if (!process) return config;
  const env = (process.env ?? []).filter((entry) => !entry.startsWith('NOTIFY_SOCKET='));
  return {
    ...config,
    process: { ...process, env: [...env, `NOTIFY_SOCKET=${manager}/${NAME}`] },
    mounts: [
      ...(config.mounts ?? []),
      { destination: manager, type: 'bind', source: folder, options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'] },
    ],
  };
}

/** Passes on what the container says. */
export interface Relay {
  socket: number;
  /** Passes on what has arrived. True once it was `READY=1`. */
  look(): boolean;
  close(): void;
}

/** Opens the container's socket: before its command begins, so that nothing it says is lost. */
export function openRelay(folder: string, manager: string, pid: () => number): Relay {
  removeNotifySocket(folder, true);
  const socket = bindAt(join(folder, NAME), 'dgram');
  chmodSync(join(folder, NAME), 0o777); // whoever is in the container may speak; outside the folder is closed
  const bytes = Buffer.alloc(4096);
  let ready = false;
  return {
    socket,
    look() {
      for (; !ready; ) {
        const n = call('recvfrom', socket, addressOf(bytes), bytes.length, MSG_DONTWAIT, 0, 0);
        if (n <= 0) break;
        const said = bytes
          .toString('utf8', 0, n)
          .split('\n')
          .find((line) => line.startsWith('READY='));
        if (said === undefined) continue;
        ready = true;
        sendTo(manager, said);
        sendTo(manager, `MAINPID=${pid()}`);
      }
      return ready;
    },
    close: () => closeFd(socket),
  };
}

/** Waits until the container says that it is ready, or ends. */
export function waitReady(relay: Relay, init: ProcessName): void {
  while (!relay.look() && isAlive(init)) waitReadable(relay.socket, LOOK_MS);
}

/** @param keepFolder only the socket is removed */
export function removeNotifySocket(folder: string, keepFolder = false): void {
  try {
    unlinkSync(join(folder, NAME));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (keepFolder) return;
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
