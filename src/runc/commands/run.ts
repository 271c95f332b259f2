/** `minirun-runc run`: create and start in one, in the foreground unless --detach. */
import { startContainer } from '../container/make.ts';
import { waitReady } from '../container/notify-socket.ts';
import { runContainer } from '../container/run.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { BUNDLE_OPTIONS, choicesOf } from './bundle.ts';
import type { Command } from './command.ts';
import { newContainer } from './new-container.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {
    ...BUNDLE_OPTIONS,
    detach: { short: 'd', help: 'return once the command runs' },
    keep: { help: 'do not delete the container when it has ended' },
    'no-subreaper': { help: 'accepted; minirun-runc is never a subreaper' },
  },
  operands: [1, 1],
  run(args, context) {
    const detached = args.options.detach === true;
    const keep = args.options.keep === true;
    return newContainer(args, context, { verb: 'run', detached, keep, choices: choicesOf(args, false) }, async (request) => {
      if (!detached) return (await runContainer(request)).code;
      const { relay, state } = startContainer(request, OWN_STREAMS, false);
      if (relay && state.init) waitReady(relay, state.init);
      relay?.close();
      return 0;
    });
  },
};
