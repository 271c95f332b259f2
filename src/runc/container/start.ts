/** The part that `run` and `exec` share: an engine starts a program, with the right streams. */
import { openSync } from 'node:fs';
import { closeFd, receiveDescriptor, socketPair } from '../../libc/fd.ts';
import { startFfi } from '../engine/ffi.ts';
import type { EngineName } from '../engine/launch.ts';
import { startNative } from '../engine/native.ts';
import type { Observer } from '../engine/observer.ts';
import { descriptors } from '../program/descriptors.ts';
import type { Program } from '../program/step.ts';
import { type HookPlace, runHook } from './hooks.ts';
import { preserved } from './preserved.ts';
import { connectAgent } from './seccomp-agent.ts';

export interface Streams {
  stdin: number;
  stdout: number;
  stderr: number;
}

/** minirun's own streams: what a container without a terminal gets. */
export const OWN_STREAMS: Streams = { stdin: 0, stdout: 1, stderr: 2 };

export interface StartRequest {
  program: Program;
  engine: EngineName;
  observer?: Observer;
  terminal: boolean;
  /** A connected socket that gets the terminal's master; without one it comes back in {@link Started}. */
  consoleSocket?: number;
  /** The listening socket at which a gated init waits. */
  gate?: number;
  /** For hooks that run inside the container. */
  hookPlace?: HookPlace;
  streams: Streams;
  onSync?: (token: string) => void;
  onInit?: (pid: number) => void;
}

export interface Started {
  pid: number;
  /** The terminal's master end, with `terminal`; the caller closes it. */
  master: number | undefined;
}

/** Starts the program; returns once the command has been executed. @throws StepError, Aborted */
export function start(request: StartRequest): Started {
  const { streams, terminal } = request;
  const fds = new Map<number, number>();
  const numbers = descriptors(request.program.preserveFds);
  for (const fd of preserved(numbers.control - 3)) fds.set(fd, fd);
  if (request.gate !== undefined) fds.set(numbers.gate, request.gate);
  let nothing: number | undefined;
  let ours: number | undefined;
  let theirs: number | undefined;
  let agent: number | undefined;
  try {
    if (request.program.agent !== undefined) {
      agent = connectAgent(request.program.agent);
      fds.set(numbers.notify, agent);
    }
    if (terminal) {
      // Until the terminal is there, the new process gets none of our streams: nothing of ours may leak into it.
      nothing = openSync('/dev/null', 'r+');
      for (const n of [0, 1, 2]) fds.set(n, nothing);
      if (request.consoleSocket === undefined) [ours, theirs] = socketPair('stream');
      fds.set(numbers.console, request.consoleSocket ?? (theirs as number));
    } else {
      fds.set(0, streams.stdin).set(1, streams.stdout).set(2, streams.stderr);
    }
    const engine = request.engine === 'ffi' ? startFfi : startNative;
    const pid = engine({
      program: request.program,
      fds,
      ...(request.observer ? { observer: request.observer } : {}),
      hook: (hook) => runHook(hook, request.hookPlace),
      ...(request.onSync ? { onSync: request.onSync } : {}),
      onInit: (pid) => {
        // Init's end is to be the only one: an agent may read until the connection closes.
        if (agent !== undefined) closeFd(agent);
        agent = undefined;
        request.onInit?.(pid);
      },
    });
    const master = ours === undefined ? undefined : receiveDescriptor(ours);
    return { pid, master };
  } finally {
    for (const fd of [nothing, ours, theirs, agent]) if (fd !== undefined) closeFd(fd);
  }
}
