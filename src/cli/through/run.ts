/**
 * `minirun run --through shim|containerd`: the container is made by the layers below as an engine would
 * have them make it. Exit codes, streams and signals are those of the direct way.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../runc/spec/config.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';
import type { Chain, ChainRequest } from './chain.ts';
import { ThroughError } from './error.ts';
import { own, sweepLost } from './lost.ts';
import { openStory } from './story.ts';
import { openStreams } from './streams.ts';

export type Through = 'shim' | 'containerd';

/** Signals that reach minirun are the container's. */
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT', 'SIGTSTP'] as const;

/** What these layers cannot do, before anything is made. */
export function requireThrough(options: RunOptions): void {
  const refuse = (sentence: string): never => {
    throw new UsageError(`--through ${options.through}: ${sentence}`);
  };
  if (process.geteuid?.() !== 0) refuse('only root can use it, as with containerd itself');
  if (!options.rm) refuse('add --rm: nothing could list or remove what it would leave behind');
  if (options.detach) refuse('leave -d out: the layers end together with this command');
  if (options.step) refuse('leave --step out: nobody can ask between the steps of another process');
  if (options.engine === 'ffi') refuse('leave --engine ffi out: a shim makes containers with the native engine');
}

export interface RunAt {
  stateRoot: string;
  id: string;
  name: string;
  /** A root file system that was unpacked for it, to be removed should this process be killed. */
  rootfs: string | undefined;
}

/** Runs the container, and takes it away. @returns its exit code */
export async function runThrough(options: RunOptions, config: Config, at: RunAt): Promise<number> {
  const runs = join(at.stateRoot, '.through');
  const folder = join(runs, at.id.slice(0, 12));
  // unix(7): a socket's path has 108 bytes. What is longer would be cut off, silently.
  if (Buffer.byteLength(join(folder, 'state/containerd.sock.ttrpc')) > 107)
    throw new UsageError(
      `--through ${options.through}: the state folder ${at.stateRoot} has too long a path for sockets; choose a shorter one with --root`,
    );
  sweepLost(runs);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  own(folder, at.id, at.rootfs);
  try {
    const story = await openStory(options, folder, config);
    try {
      return await runChain(options, { id: at.id, name: at.name, config, folder });
    } finally {
      await story.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openChain(through: Through | undefined, request: ChainRequest): Promise<Chain> {
  if (through === 'containerd') return (await import('./containerd-chain.ts')).containerdChain(request);
  return (await import('./shim-chain.ts')).shimChain(request);
}

async function runChain(options: RunOptions, request: ChainRequest): Promise<number> {
  const signals = holdSignals();
  const streams = openStreams(request.folder, options.tty);
  let chain: Chain | undefined;
  try {
    chain = await openChain(options.through, request);
    const made = chain;
    await made.create(streams.names);
    const ended = made.wait();
    let isOver = false;
    // Nobody hears of it when start fails.
    ended.then(
      () => {
        isOver = true;
      },
      () => undefined,
    );
    const onResize = () => void made.resize(process.stdout.columns ?? 80, process.stdout.rows ?? 24).catch(() => undefined);
    if (options.tty && process.stdout.isTTY) {
      await made.resize(process.stdout.columns ?? 80, process.stdout.rows ?? 24);
      process.stdout.on('resize', onResize);
    }
    try {
      await made.start();
      signals.to((signal) => void made.kill(signal).catch(() => undefined));
      // Who has ended reads no more.
      streams.begin(() => void (isOver || made.closeStdin().catch(() => undefined)));
      const code = await ended;
      await streams.drain();
      await made.remove();
      return code;
    } finally {
      process.stdout.off('resize', onResize);
    }
  } catch (error) {
    throw new ThroughError(error as Error);
  } finally {
    signals.stop();
    streams.close();
    await chain?.remove().catch(() => undefined);
    await chain?.close();
  }
}

/** Holds signals back until there is somebody to give them to. */
function holdSignals() {
  let give: ((signal: number) => void) | undefined;
  const early: number[] = [];
  const handlers = FORWARDED.map((name) => {
    const number = constants.signals[name];
    const handler = () => {
      if (give) give(number);
      else early.push(number);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    to(receiver: (signal: number) => void) {
      give = receiver;
      early.splice(0).forEach(receiver);
    },
    stop() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
