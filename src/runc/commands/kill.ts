/** `minirun-runc kill` */
import { signalContainer } from '../container/kill.ts';
import { parseSignal } from '../spec/signals.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id> [signal]',
  description: 'The signal is a name, with or without SIG, or a number.',
  options: { all: { short: 'a', help: 'send it to all processes inside the container' } },
  operands: [1, 2],
  run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    signalContainer(view, parseSignal(args.operands[1] ?? 'SIGTERM'), { all: args.options.all === true });
    return 0;
  },
};
