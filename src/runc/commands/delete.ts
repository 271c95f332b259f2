/** `minirun-runc delete` */
import { deleteOci } from '../container/delete.ts';
import type { Command } from './command.ts';
import { checkId } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: { force: { short: 'f', help: 'kill it first if it still runs' } },
  operands: [1, 1],
  run(args, context) {
    const id = checkId(args.operands[0] as string);
    const force = args.options.force === true;
    const deleted = deleteOci(context.root, id, { force, warn: context.warn });
    if (!deleted && !force) throw new Error('container does not exist');
    return 0;
  },
};
