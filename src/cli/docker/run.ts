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
import { createContainer, ensureImage, requestFor } from './create.ts';
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
  const streams = attached(flags);
  requireTerminal(flags.tty === true, streams.stdin && flags.interactive === true);
  // What is wrong in the options is said before a daemon is started for them.
  requestFor(flags, image, words, 50);
  const detachKeys = detachKeysFrom(flags.detachKeys);
  try {
    if (flags.explain || flags.explainTo)
      return await explained(flags, image, words, context, (connection, id) => runAttached(connection, id, flags, streams, detachKeys));
    const connection = await connect(context);
    const id = await createContainer(connection, flags, image, words);
    return await (flags.detach ? runDetached(connection, id) : runAttached(connection, id, flags, streams, detachKeys));
  } catch (error) {
    throw ofRun(error);
  }
}

/** All layers tell what they do, in a dockerd of this run's own. */
async function explained(
  flags: CreateFlags & NarrationFlags,
  image: string,
  words: readonly string[],
  context: Context,
  run: (connection: Connection, id: string) => Promise<number>,
): Promise<number> {
  requireExplained(flags, requestFor(flags, image, words, 50).body);
  const connection = await connect(context);
  const { runExplained } = await import('../through/dockerd.ts');
  return runExplained({
    stateRoot: await context.stateRoot(),
    story: {
      explain: (flags.explain as 'text' | undefined) ?? 'text',
      explainNumbers: flags.explainNumbers === true,
      through: 'dockerd',
      ...(flags.explainTo ? { explainTo: flags.explainTo } : {}),
    },
    archive: async () => {
      await ensureImage(connection, flags, image);
      return askStream(connection, '/images/get', { query: { names: image } });
    },
    run: async (host) => {
      const own = await connect({ ...context, host });
      return run(own, await createContainer(own, { ...flags, pull: 'never' }, image, words));
    },
  });
}

/** What a daemon that is gone afterwards cannot keep. @throws UsageError */
function requireExplained(
  flags: CreateFlags & NarrationFlags,
  body: { HostConfig?: { Binds?: string[] | null; VolumesFrom?: string[] | null; Mounts?: { Type?: string; Source?: string }[] | null } },
): void {
  const refuse = (sentence: string): never => {
    throw new UsageError(`--explain of an image: ${sentence}`);
  };
  if (process.geteuid?.() !== 0) refuse('only root can use it, as with the daemon itself');
  if (flags.detach) refuse('leave -d out: the layers are told from inside of this command, and end with it');
  if (!flags.rm) refuse('add --rm: the container is gone when it has been told');
  const { Binds, VolumesFrom, Mounts } = body.HostConfig ?? {};
  const named =
    (Binds ?? []).some((bind) => !bind.startsWith('/')) || (Mounts ?? []).some(({ Type, Source }) => Type === 'volume' && Source);
  if (named || (VolumesFrom ?? []).length > 0)
    refuse("volumes with a name are the daemon's, and this run has one of its own; bind a folder instead");
  if (flags.explain === 'html' && !flags.explainTo) refuse('html is a page: say where to write it with --explain-to FILE');
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
