/** `minirun stop [-t SECONDS] CONTAINER...` */
import { stopContainer } from '../../runc/container/kill.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';
import { eachContainer } from '../each-container.ts';
import { parseInteger, parseSignal } from '../sizes.ts';

/** As long as Docker waits before it kills. */
const PATIENCE_SECONDS = 10;

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun stop', 'Ask containers to end, and kill them when they do not.')
    .option('-t, --time <SECONDS>', `how long to wait before killing (default ${PATIENCE_SECONDS})`, (text: string) =>
      parseInteger('--time', text, 0, 86400),
    )
    .option('-s, --signal <SIGNAL>', 'what to send first (default: --stop-signal of the run, or TERM)', (text: string) =>
      parseSignal('--signal', text),
    )
    .usage('[options] CONTAINER...');
  const names = takeOperands(command, parseCommand(command, args), ['CONTAINER…']);
  const { time = PATIENCE_SECONDS, signal } = command.opts() as { time?: number; signal?: number };
  return eachContainer(await context.stateRoot(), names, async (view) => {
    await stopContainer(view, { timeoutSeconds: time, ...(signal === undefined ? {} : { signal }) });
  });
}
