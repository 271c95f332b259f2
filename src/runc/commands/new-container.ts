/** What create, run and restore do alike: the bundle, the request, the terminal's socket, the words of an error. */
import { resolve } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import type { Choices, RunRequest } from '../container/request.ts';
import { type Arguments, textOf } from './arguments.ts';
import { openBundle, passListenFds, startError } from './bundle.ts';
import type { Context } from './command.ts';
import { connectConsoleSocket } from './console-socket.ts';
import { writePidFile } from './pid-file.ts';

export interface NewContainer {
  verb: 'create' | 'run' | 'restore';
  /** The command returns before the container ends. */
  detached: boolean;
  /** Leave it as it is when it has ended. */
  keep?: boolean;
  choices?: Choices;
}

/** A path on the command line, before the bundle becomes the working directory. */
const pathOf = (args: Arguments, option: string): string | undefined => {
  const given = textOf(args, option);
  return given === undefined ? undefined : resolve(given);
};

/**
 * @param act makes the container from the request, and gives the exit code
 * @throws Error that begins as runc's: `runc create failed: …`
 */
export async function newContainer(
  args: Arguments,
  context: Context,
  wanted: NewContainer,
  act: (request: RunRequest) => number | Promise<number>,
): Promise<number> {
  const { verb, detached, keep = false, choices } = wanted;
  const pidFile = pathOf(args, 'pid-file');
  const socket = pathOf(args, 'console-socket');
  const { id, path: bundle, config } = openBundle(args, `runc ${verb} failed`);
  if (choices) passListenFds(config);
  const manager = process.env.NOTIFY_SOCKET;
  let consoleSocket: number | undefined;
  try {
    consoleSocket = connectConsoleSocket(socket, config.process?.terminal === true, detached);
    return await act({
      stateRoot: context.root,
      id,
      name: id,
      config,
      bundle,
      engine: 'native',
      remove: !detached && !keep,
      keep,
      warn: context.warn,
      systemdCgroup: context.systemdCgroup,
      ...(context.rootless === undefined ? {} : { rootless: context.rootless }),
      detachKeys: new Uint8Array(),
      ...(choices ? { choices } : {}),
      ...(manager && verb !== 'restore' ? { notifySocket: manager } : {}),
      ...(context.say ? { say: context.say } : {}),
      ...(pidFile === undefined ? {} : { onRunning: (pid: number) => writePidFile(pidFile, pid) }),
      ...(consoleSocket === undefined ? {} : { consoleSocket }),
      ...(context.observer ? { observer: context.observer } : {}),
    });
  } catch (error) {
    throw await startError(`runc ${verb} failed`, error, config.process?.args?.[0] ?? '', context.explain);
  } finally {
    if (consoleSocket !== undefined) closeFd(consoleSocket);
  }
}
