/** `minirun-runc state`: runtime.md, "Query State". */
import { writeSync } from 'node:fs';
import { type OciState, ociState } from '../container/oci-state.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    let state: OciState;
    try {
      state = ociState(view);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error('container does not exist'); // deleted meanwhile
      throw error;
    }
    writeSync(1, `${JSON.stringify(state, null, 2)}\n`);
    return 0;
  },
};
