/** `minirun-runc resume` */
import { thaw } from '../cgroup/freezer.ts';
import { statusOf } from '../container/oci-state.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    if (statusOf(view) !== 'paused') throw new Error('container not paused');
    thaw(view.state.cgroups);
    return 0;
  },
};
