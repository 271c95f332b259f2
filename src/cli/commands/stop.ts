/** `minirun stop [-t SECONDS] CONTAINER...` */
import type { Command } from 'commander';
import { stopContainer } from '../../runc/container/kill.ts';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { eachContainer } from '../docker/lookup.ts';
import { parseInteger, parseSignal } from '../sizes.ts';

/** As long as Docker waits before it kills. */
const PATIENCE_SECONDS = 10;

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun stop', 'Ask containers to end, and kill them when they do not.')
      .option('-t, --timeout <SECONDS>', `how long to wait before killing (default ${PATIENCE_SECONDS})`, (text: string) =>
        parseInteger('--timeout', text, -1, 86400),
      )
      .option('--time <SECONDS>', 'the same', (text: string) => parseInteger('--time', text, -1, 86400))
      .option('-s, --signal <SIGNAL>', 'what to send first (default: --stop-signal of the run, or TERM)', (text: string) =>
        parseSignal('--signal', text),
      )
      .usage('[options] CONTAINER...'),
    ['stop web', 'send TERM to web, and KILL after ten seconds'],
    ['stop -t 0 web db', 'kill both at once'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const { timeout, time = timeout, signal } = parsed.opts() as { timeout?: number; time?: number; signal?: number };
  return eachContainer(context, names, {
    without: (view) =>
      stopContainer(view, {
        timeoutSeconds: time === undefined ? PATIENCE_SECONDS : time < 0 ? 1e6 : time,
        ...(signal === undefined ? {} : { signal }),
      }),
    async daemon(connection, name) {
      const { ask } = await import('../docker/connect/request.ts');
      await ask(connection, `/containers/${name}/stop`, { method: 'POST', query: { t: time, signal } });
    },
  });
}
