/** `minirun-runc create`: all but the command's execution. */
import { resolve } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import { startContainer } from '../container/run.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { textOf } from './arguments.ts';
import { BUNDLE_OPTIONS, choicesOf, openBundle, passListenFds, startError } from './bundle.ts';
import type { Command } from './command.ts';
import { connectConsoleSocket } from './console-socket.ts';
import { writePidFile } from './pid-file.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: BUNDLE_OPTIONS,
  operands: [1, 1],
  async run(args, context) {
    const pidFile = textOf(args, 'pid-file');
    const pidPath = pidFile === undefined ? undefined : resolve(pidFile);
    const socket = textOf(args, 'console-socket');
    const socketPath = socket === undefined ? undefined : resolve(socket);
    const { id, path: bundle, config } = openBundle(args, 'runc create failed');
    passListenFds(config);
    const narration = await context.narrate(id, 'create');
    let consoleSocket: number | undefined;
    try {
      consoleSocket = connectConsoleSocket(socketPath, config.process?.terminal === true, true);
      startContainer(
        {
          stateRoot: context.root,
          id,
          name: id,
          config,
          bundle,
          engine: 'native',
          remove: false,
          warn: context.warn,
          choices: choicesOf(args, true),
          systemdCgroup: context.systemdCgroup,
          ...(process.env.NOTIFY_SOCKET ? { notifySocket: process.env.NOTIFY_SOCKET } : {}),
          ...(context.say ? { say: context.say } : {}),
          ...(pidPath === undefined ? {} : { onRunning: (pid: number) => writePidFile(pidPath, pid) }),
          ...(consoleSocket === undefined ? {} : { consoleSocket }),
          ...(narration.observer ? { observer: narration.observer } : {}),
        },
        OWN_STREAMS,
        false,
      );
      return 0;
    } catch (error) {
      throw await startError('runc create failed', error, config.process?.args?.[0] ?? '', context.explain);
    } finally {
      if (consoleSocket !== undefined) closeFd(consoleSocket);
      narration.close();
    }
  },
};
