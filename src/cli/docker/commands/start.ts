/** `minirun start [-a] [-i] CONTAINER...` */
import type { Command } from 'commander';
import type { ContainerInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { type Connection, connect } from '../connect/connect.ts';
import { ask, hijack } from '../connect/request.ts';
import { ofStart } from '../exit-code.ts';
import { each } from '../output/each.ts';
import { exitOf } from '../run.ts';
import { converse, detachKeysFrom, requireTerminal } from '../streams/conversation.ts';
import { passSignals } from '../streams/signals.ts';
import { followSize } from '../streams/terminal-size.ts';

interface Flags {
  attach?: boolean;
  interactive?: boolean;
  detachKeys?: string;
}

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun start', 'Start containers that have ended, or were only created.')
      .option('-a, --attach', 'show its output, pass signals on, and end with its exit code')
      .option('-i, --interactive', 'and pass standard input on')
      .option('--detach-keys <KEYS>', 'keys that leave a terminal (default ctrl-p,ctrl-q)')
      .usage('[options] CONTAINER...'),
    ['start web db', 'start two'],
    ['start -ai shell', 'go on in a shell'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const flags = parsed.opts<Flags>();
  if (!flags.attach && !flags.interactive) {
    const connection = await connect(context);
    return each(names, (name) => ask(connection, `/containers/${name}/start`, { method: 'POST' }));
  }
  if (names.length > 1) throw new UsageError('you cannot start and attach multiple containers at once');
  return startAttached(await connect(context), names[0] as string, flags);
}

async function startAttached(connection: Connection, name: string, flags: Flags): Promise<number> {
  const detachKeys = detachKeysFrom(flags.detachKeys);
  const { Id, Config, HostConfig } = await ask<ContainerInspectInfo>(connection, `/containers/${name}/json`);
  const stdin = flags.interactive === true && Config.OpenStdin;
  requireTerminal(Config.Tty, stdin);
  const signals = Config.Tty ? undefined : passSignals(connection);
  let unfollow: () => void = () => undefined;
  try {
    const query = { stream: 1, stdin: stdin || undefined, stdout: 1, stderr: 1, detachKeys: flags.detachKeys };
    const socket = await hijack(connection, `/containers/${Id}/attach`, { query });
    const wait = await exitOf(connection, Id, HostConfig.AutoRemove === true);
    const talk = converse(socket, { tty: Config.Tty, stdin, detachKeys });
    talk.catch(() => undefined);
    try {
      await ask(connection, `/containers/${Id}/start`, { method: 'POST' });
    } catch (error) {
      socket.destroy();
      await talk.catch(() => undefined);
      throw ofStart(error);
    }
    signals?.to(Id);
    if (Config.Tty) unfollow = await followSize(connection, `/containers/${Id}`);
    if ((await talk) === 'detached') {
      process.stderr.write('read escape sequence\n');
      return 0;
    }
    return (await wait()).StatusCode;
  } finally {
    unfollow();
    signals?.stop();
  }
}
