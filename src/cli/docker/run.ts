/** `minirun run IMAGE`: create, attach, wait, start, and the container's exit code; the requests in Docker's order. */
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { parseCommand } from '../command-line.ts';
import { UsageError } from '../usage-error.ts';
import { type Connection, connect } from './connect/connect.ts';
import { CommandFailed } from './connect/failed.ts';
import { ask, askStream, hijack } from './connect/request.ts';
import { attached } from './container/create-request.ts';
import type { CreateFlags } from './container/flags.ts';
import { createContainer, requestFor } from './create.ts';
import { ofRun, ofStart, type WaitAnswer } from './exit-code.ts';
import { converse, detachKeysFrom, requireTerminal } from './streams/conversation.ts';
import { jsonLines } from './streams/json-lines.ts';
import { passSignals } from './streams/signals.ts';
import { followSize } from './streams/terminal-size.ts';

/** Options that tell of the steps of a root file system's start. */
interface NarrationFlags {
  explain?: string;
  explainTo?: string;
  explainNumbers?: boolean;
}

export async function runImage(command: Command, args: readonly string[], context: Context): Promise<number> {
  const [image = '', ...words] = parseCommand(command, args);
  const flags = command.opts<CreateFlags & NarrationFlags>();
  if (flags.explain || flags.explainTo)
    throw new UsageError(
      `--explain tells how a root file system is started; ${image} is an image. Give a path, such as ./rootfs, or explain its config with minirun explain`,
    );
  const streams = attached(flags);
  requireTerminal(flags.tty === true, streams.stdin && flags.interactive === true);
  // What is wrong in the options is said before a daemon is started for them.
  requestFor(flags, image, words, 50);
  const detachKeys = detachKeysFrom(flags.detachKeys);
  try {
    const connection = await connect(context);
    const id = await createContainer(connection, flags, image, words);
    return await (flags.detach ? runDetached(connection, id) : runAttached(connection, id, flags, streams, detachKeys));
  } catch (error) {
    throw ofRun(error);
  }
}

/** @throws CommandFailed whose exit code tells whether the command was not found, or cannot be executed */
async function start(connection: Connection, id: string): Promise<void> {
  try {
    await ask(connection, `/containers/${id}/start`, { method: 'POST' });
  } catch (error) {
    throw ofStart(error);
  }
}

async function runDetached(connection: Connection, id: string): Promise<number> {
  await start(connection, id);
  process.stdout.write(`${id}\n`);
  return 0;
}

type Streams = ReturnType<typeof attached>;

async function runAttached(
  connection: Connection,
  id: string,
  flags: CreateFlags,
  streams: Streams,
  detachKeys: Uint8Array,
): Promise<number> {
  const tty = flags.tty === true;
  const stdin = streams.stdin && flags.interactive === true;
  // In a terminal Ctrl-C is a byte that the container's own terminal makes a signal of.
  const signals = flags.sigProxy !== false && !tty ? passSignals(connection) : undefined;
  let unfollow: () => void = () => undefined;
  try {
    const query = {
      stream: 1,
      stdin: stdin || undefined,
      stdout: streams.stdout || undefined,
      stderr: streams.stderr || undefined,
      detachKeys: flags.detachKeys,
    };
    const socket = await hijack(connection, `/containers/${id}/attach`, { query });
    // The answer to `wait` has begun before the start, so that no end is missed.
    const wait = await exitOf(connection, id, flags.rm === true);
    const talk = converse(socket, { tty, stdin, stdout: streams.stdout, stderr: streams.stderr || tty, detachKeys });
    talk.catch(() => undefined);
    try {
      await start(connection, id);
    } catch (error) {
      socket.destroy();
      await talk.catch(() => undefined);
      throw error;
    }
    signals?.to(id);
    if (tty) unfollow = await followSize(connection, `/containers/${id}`);
    if ((await talk) === 'detached') {
      process.stderr.write('read escape sequence\n');
      return 0;
    }
    const { StatusCode, Error: failure } = await wait();
    if (failure?.Message) throw new CommandFailed(failure.Message, 125);
    return StatusCode;
  } finally {
    unfollow();
    signals?.stop();
  }
}

/**
 * Begins to wait; resolves when the daemon has taken notice.
 * @param removed until the container is gone, and not only ended
 */
export async function exitOf(connection: Connection, id: string, removed: boolean): Promise<() => Promise<WaitAnswer>> {
  const answer = await askStream(connection, `/containers/${id}/wait`, {
    method: 'POST',
    query: { condition: removed ? 'removed' : 'next-exit' },
  });
  const body = (async () => {
    for await (const value of jsonLines<WaitAnswer>(answer)) return value;
    throw new CommandFailed('the daemon went away before the container ended', 125);
  })();
  body.catch(() => undefined);
  return () => body;
}
