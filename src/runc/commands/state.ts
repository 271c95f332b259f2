/** `minirun-runc state`: runtime.md, "Query State". */
import { writeSync } from 'node:fs';
import { ociState } from '../container/oci-state.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  run(args, context) {
    writeSync(1, `${JSON.stringify(ociState(containerOf(context.root, args.operands[0])), null, 2)}\n`);
    return 0;
  },
};
