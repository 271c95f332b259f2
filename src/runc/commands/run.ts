/** `minirun-runc run`: create and start in one, in the foreground unless --detach. */
import { resolve } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import { waitReady } from '../container/notify-socket.ts';
import type { RunRequest } from '../container/request.ts';
import { runContainer, startContainer } from '../container/run.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { textOf } from './arguments.ts';
import { BUNDLE_OPTIONS, choicesOf, openBundle, passListenFds, startError } from './bundle.ts';
import type { Command } from './command.ts';
import { connectConsoleSocket } from './console-socket.ts';
import { writePidFile } from './pid-file.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {
    ...BUNDLE_OPTIONS,
    detach: { short: 'd', help: 'return once the command runs' },
    keep: { help: 'do not delete the container when it has ended' },
    'no-subreaper': { help: 'accepted; minirun-runc is never a subreaper' },
  },
  operands: [1, 1],
  async run(args, context) {
    const detach = args.options.detach === true;
    const pidFile = textOf(args, 'pid-file');
    const pidPath = pidFile === undefined ? undefined : resolve(pidFile);
    const socket = textOf(args, 'console-socket');
    const socketPath = socket === undefined ? undefined : resolve(socket);
    const { id, path: bundle, config } = openBundle(args, 'runc run failed');
    passListenFds(config);
    const narration = await context.narrate(id, 'run');
    let consoleSocket: number | undefined;
    try {
      consoleSocket = connectConsoleSocket(socketPath, config.process?.terminal === true, detach);
      const request: RunRequest = {
        stateRoot: context.root,
        id,
        name: id,
        config,
        bundle,
        engine: 'native',
        remove: !detach && args.options.keep !== true,
        keep: args.options.keep === true,
        warn: context.warn,
        choices: choicesOf(args, false),
        systemdCgroup: context.systemdCgroup,
        ...(process.env.NOTIFY_SOCKET ? { notifySocket: process.env.NOTIFY_SOCKET } : {}),
        ...(context.say ? { say: context.say } : {}),
        detachKeys: new Uint8Array(),
        ...(pidPath === undefined ? {} : { onRunning: (pid: number) => writePidFile(pidPath, pid) }),
        ...(consoleSocket === undefined ? {} : { consoleSocket }),
        ...(narration.observer ? { observer: narration.observer } : {}),
      };
      if (!detach) return (await runContainer(request)).code;
      const { relay, state } = startContainer(request, OWN_STREAMS, false);
      if (relay && state.init) waitReady(relay, state.init);
      relay?.close();
      return 0;
    } catch (error) {
      throw await startError('runc run failed', error, config.process?.args?.[0] ?? '', context.explain);
    } finally {
      if (consoleSocket !== undefined) closeFd(consoleSocket);
      narration.close();
    }
  },
};
