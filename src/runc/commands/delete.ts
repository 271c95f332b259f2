/** `minirun-runc delete` */
import { deleteOci } from '../container/delete.ts';
import { idsIn } from '../container/state.ts';
import type { Command } from './command.ts';
import { checkId } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {
    force: { short: 'f', help: 'kill it first if it still runs' },
    regex: { short: 'r', help: 'delete all containers whose id matches the regular expression' },
  },
  operands: [1, 1],
  run(args, context) {
    const operand = args.operands[0] as string;
    const force = args.options.force === true;
    if (args.options.regex) {
      const wanted = new RegExp(operand);
      for (const id of idsIn(context.root)) if (wanted.test(id)) deleteOci(context.root, id, { force, warn: context.warn });
      return 0;
    }
    const id = checkId(operand);
    const { observer } = context;
    const deleted = deleteOci(context.root, id, { force, warn: context.warn, ...(observer ? { observer } : {}) });
    if (!deleted && !force) throw new Error('container does not exist');
    return 0;
  },
};
