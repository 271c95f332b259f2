/** `minirun-runc start`: lets a created container's command begin. */
import { startCreated } from '../container/start-created.ts';
import { loadConfig } from '../container/state.ts';
import { startError } from './bundle.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  async run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    if (view.status === 'stopped') throw new Error('cannot start a container that has stopped');
    if (view.status !== 'created') throw new Error('cannot start an already running container');
    const narration = await context.narrate(view.state.id, 'start');
    try {
      startCreated(view, { warn: context.warn, ...(narration.observer ? { observer: narration.observer } : {}) });
      return 0;
    } catch (error) {
      throw await startError('runc start failed', error, loadConfig(view).process?.args?.[0] ?? '', context.explain);
    } finally {
      narration.close();
    }
  },
};
