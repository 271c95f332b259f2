/** `minirun-runc restore`: makes a container from a checkpoint, with criu. */
import { restoreContainer } from '../checkpoint/restore.ts';
import { runContainer } from '../container/run.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { textOf } from './arguments.ts';
import { BUNDLE_OPTIONS } from './bundle.ts';
import type { Command } from './command.ts';
import { CRIU_OPTIONS, imagePaths, sharedChoices, warnRootless } from './criu-options.ts';
import { newContainer } from './new-container.ts';

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
  run(args, context) {
    warnRootless(context, 'restore');
    const detached = args.options.detach === true;
    // Relative paths are the caller's: before the bundle becomes the working directory.
    const paths = imagePaths(args);
    return newContainer(args, context, { verb: 'restore', detached }, async (run) => {
      const begin = () =>
        restoreContainer({
          ...sharedChoices(args),
          run,
          criu: context.criu,
          paths,
          lsmProfile: textOf(args, 'lsm-profile') || undefined,
          lsmMountContext: textOf(args, 'lsm-mount-context') || undefined,
        });
      if (!detached) return (await runContainer(run, OWN_STREAMS, begin)).code;
      begin();
      return 0;
    });
  },
};
