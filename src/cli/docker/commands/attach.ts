/** `minirun attach [options] CONTAINER` */
import type { Command } from 'commander';
import type { ContainerInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { CommandFailed } from '../connect/failed.ts';
import { ask, askStream, hijack } from '../connect/request.ts';
import type { WaitAnswer } from '../exit-code.ts';
import { converse, detachKeysFrom, requireTerminal } from '../streams/conversation.ts';
import { jsonLines } from '../streams/json-lines.ts';
import { passSignals } from '../streams/signals.ts';
import { followSize } from '../streams/terminal-size.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun attach', "Join this terminal to a container's input and output.")
      .option('--detach-keys <KEYS>', 'keys that leave a terminal (default ctrl-p,ctrl-q)')
      .option('--no-stdin', 'do not pass standard input on')
      .option('--sig-proxy', 'pass signals on to it (the default, without a terminal)')
      .option('--no-sig-proxy', 'do not')
      .usage('[options] CONTAINER'),
    ['attach shell', 'join it; ctrl-p ctrl-q leaves it running'],
    ['attach --no-stdin web', 'only watch its output'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER']);
  const flags = parsed.opts<{ detachKeys?: string; stdin: boolean; sigProxy?: boolean }>();
  const detachKeys = detachKeysFrom(flags.detachKeys);
  const connection = await connect(context);
  const { Id, Config, State } = await ask<ContainerInspectInfo>(connection, `/containers/${name}/json`);
  if (!State.Running) throw new CommandFailed('cannot attach to a stopped container, start it first');
  if (State.Paused) throw new CommandFailed('cannot attach to a paused container, unpause it first');
  if (State.Restarting) throw new CommandFailed('cannot attach to a restarting container, wait until it is running');
  const stdin = flags.stdin && Config.OpenStdin;
  requireTerminal(Config.Tty, stdin);
  const answer = await askStream(connection, `/containers/${Id}/wait`, { method: 'POST' });
  const signals = flags.sigProxy !== false && !Config.Tty ? passSignals(connection) : undefined;
  signals?.to(Id);
  let unfollow: () => void = () => undefined;
  try {
    const query = { stream: 1, stdin: stdin || undefined, stdout: 1, stderr: 1, detachKeys: flags.detachKeys };
    const socket = await hijack(connection, `/containers/${Id}/attach`, { query });
    const talk = converse(socket, { tty: Config.Tty, stdin, detachKeys });
    if (Config.Tty) unfollow = await followSize(connection, `/containers/${Id}`);
    if ((await talk) === 'detached') {
      // As in Docker, whose scripts tell a container that was left from one that ended by it.
      process.stderr.write('read escape sequence\n');
      return 1;
    }
    for await (const { StatusCode, Error: failure } of jsonLines<WaitAnswer>(answer)) {
      if (failure?.Message) throw new CommandFailed(failure.Message);
      return StatusCode;
    }
    return 0;
  } finally {
    unfollow();
    signals?.stop();
  }
}
