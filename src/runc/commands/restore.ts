/** `minirun-runc restore`: makes a container from a checkpoint, with criu. */
import { resolve } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import { restoreContainer } from '../checkpoint/restore.ts';
import type { RunRequest } from '../container/request.ts';
import { runContainer } from '../container/run.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { textOf } from './arguments.ts';
import { BUNDLE_OPTIONS, openBundle, startError } from './bundle.ts';
import type { Command } from './command.ts';
import { connectConsoleSocket } from './console-socket.ts';
import { CRIU_OPTIONS, imagePaths, sharedChoices, warnRootless } from './criu-options.ts';
import { writePidFile } from './pid-file.ts';

const { bundle, 'console-socket': consoleSocketOption, 'pid-file': pidFileOption } = BUNDLE_OPTIONS;

export const command: Command = {
  synopsis: '<container-id>',
  description: 'config.json of the bundle must be the one that the container had.',
  options: {
    ...CRIU_OPTIONS,
    ...(bundle && consoleSocketOption && pidFileOption ? { bundle, 'console-socket': consoleSocketOption, 'pid-file': pidFileOption } : {}),
    detach: { short: 'd', help: 'return once the container runs' },
    'no-subreaper': { help: 'accepted; minirun-runc is never a subreaper' },
    'no-pivot': { help: 'accepted; criu changes the root in its own way' },
    'lsm-profile': { value: 'TYPE:NAME', help: 'the profile of AppArmor or SELinux for the restored processes' },
    'lsm-mount-context': { value: 'CONTEXT', help: 'the SELinux context of the restored mounts' },
  },
  operands: [1, 1],
  async run(args, context) {
    warnRootless(context, 'restore');
    const detach = args.options.detach === true;
    // Relative paths are the caller's: before the bundle becomes the working directory.
    const paths = imagePaths(args);
    const pidFile = textOf(args, 'pid-file');
    const pidPath = pidFile === undefined ? undefined : resolve(pidFile);
    const socket = textOf(args, 'console-socket');
    const socketPath = socket === undefined ? undefined : resolve(socket);
    const { id, path, config } = openBundle(args, 'runc restore failed');
    const narration = await context.narrate(id, 'restore');
    let consoleSocket: number | undefined;
    try {
      consoleSocket = connectConsoleSocket(socketPath, config.process?.terminal === true, detach);
      const run: RunRequest = {
        stateRoot: context.root,
        id,
        name: id,
        config,
        bundle: path,
        engine: 'native',
        remove: !detach,
        warn: context.warn,
        systemdCgroup: context.systemdCgroup,
        detachKeys: new Uint8Array(),
        ...(pidPath === undefined ? {} : { onRunning: (pid: number) => writePidFile(pidPath, pid) }),
        ...(consoleSocket === undefined ? {} : { consoleSocket }),
        ...(narration.observer ? { observer: narration.observer } : {}),
      };
      const begin = () =>
        restoreContainer({
          ...sharedChoices(args),
          run,
          criu: context.criu,
          paths,
          lsmProfile: textOf(args, 'lsm-profile') || undefined,
          lsmMountContext: textOf(args, 'lsm-mount-context') || undefined,
        });
      if (!detach) return (await runContainer(run, OWN_STREAMS, begin)).code;
      begin();
      return 0;
    } catch (error) {
      throw await startError('runc restore failed', error, '', context.explain);
    } finally {
      if (consoleSocket !== undefined) closeFd(consoleSocket);
      narration.close();
    }
  },
};
