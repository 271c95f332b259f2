/** `minirun-runc create`: all but the command's execution. */
import { startContainer } from '../container/make.ts';
import { OWN_STREAMS } from '../container/start.ts';
import { BUNDLE_OPTIONS, choicesOf } from './bundle.ts';
import type { Command } from './command.ts';
import { newContainer } from './new-container.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: BUNDLE_OPTIONS,
  operands: [1, 1],
  run(args, context) {
    return newContainer(args, context, { verb: 'create', detached: true, choices: choicesOf(args, true) }, (request) => {
      startContainer(request, OWN_STREAMS, false);
      return 0;
    });
  },
};
