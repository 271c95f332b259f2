/** `minirun-runc pause` */
import { freeze } from '../cgroup/freezer.ts';
import { statusOf } from '../container/oci-state.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    const status = statusOf(view);
    if (status !== 'running' && status !== 'created') throw new Error('container not running');
    freeze(view.state.cgroups);
    return 0;
  },
};
