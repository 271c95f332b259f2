/** `minirun-runc start`: lets a created container's command begin. */
import { openRelay, waitReady } from '../container/notify-socket.ts';
import { checkCreated, runPoststart, startCreated } from '../container/start-created.ts';
import { loadConfig } from '../container/state.ts';
import type { Config } from '../spec/config.ts';
import { startError } from './bundle.ts';
import type { Command, Context } from './command.ts';
import { containerOf, holdContainer } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  options: {},
  operands: [1, 1],
  async run(args, context) {
    const id = args.operands[0];
    checkCreated(containerOf(context.root, id));
    // Of two that start it at the same time the second one finds it started.
    const { view, release } = holdContainer(context.root, id);
    let config: Config;
    const manager = process.env.NOTIFY_SOCKET;
    const relay = manager && view.state.notify ? openRelay(view.state.notify, manager, () => view.pid) : undefined;
    try {
      checkCreated(view);
      config = loadConfig(view);
      await orExplain(config, context, () => startCreated(view, config, context.observer));
    } finally {
      release();
    }
    // Not while others wait: a hook may take its time, and may ask for the container's end.
    await orExplain(config, context, () => runPoststart(view, config, context.observer));
    if (relay && view.state.init) waitReady(relay, view.state.init);
    relay?.close();
    return 0;
  },
};

async function orExplain(config: Config, context: Context, act: () => void): Promise<void> {
  try {
    act();
  } catch (error) {
    throw await startError('runc start failed', error, config.process?.args?.[0] ?? '', context.explain);
  }
}
