/** This process's standard streams, joined to a hijacked connection: what attach, run, start -a and exec share. */
import { type Duplex, Writable } from 'node:stream';
import { DEFAULT_DETACH_KEYS, DetachFilter, parseDetachKeys } from '../../../runc/container/detach-keys.ts';
import { UsageError } from '../../usage-error.ts';
import { readConfig } from '../connect/docker-config.ts';
import { copyFrames, copyRaw } from './frames.ts';

export interface ConversationOptions {
  tty: boolean;
  /** Whether what is typed here goes there. */
  stdin: boolean;
  stdout?: boolean;
  stderr?: boolean;
  detachKeys: Uint8Array;
}

/** --detach-keys, or those of ~/.docker/config.json, or ctrl-p ctrl-q. @throws UsageError */
export function detachKeysFrom(typed: string | undefined): Uint8Array {
  const text = typed ?? readConfig().detachKeys;
  if (text === undefined) return DEFAULT_DETACH_KEYS;
  try {
    return parseDetachKeys(text);
  } catch (error) {
    throw new UsageError(`--detach-keys: ${(error as Error).message}`);
  }
}

/** Docker's rule: who asks for a terminal and input must type at one. */
export function requireTerminal(tty: boolean, stdin: boolean): void {
  if (tty && stdin && !process.stdin.isTTY)
    throw new UsageError('the input device is not a TTY: leave -t out when input comes from a pipe or a file');
}

/**
 * Talks until the other side ends, or the detach keys are typed.
 * The terminal is raw in between, and as it was before afterwards, whatever happens.
 */
export async function converse(connection: Duplex, options: ConversationOptions): Promise<'ended' | 'detached'> {
  const { tty, stdin, detachKeys } = options;
  const raw = tty && stdin && process.stdin.isTTY === true;
  const filter = new DetachFilter(tty ? detachKeys : new Uint8Array());
  let leave: () => void = () => undefined;
  const left = new Promise<'detached'>((resolve) => {
    leave = () => resolve('detached');
  });
  const onData = (chunk: Buffer) => {
    const { pass, detach } = filter.push(chunk);
    if (detach) leave();
    else if (pass.length > 0 && !connection.write(pass)) {
      process.stdin.pause();
      connection.once('drain', () => process.stdin.resume());
    }
  };
  // The other direction stays open: output goes on after the end of the input.
  const onEnd = () => void connection.end();
  connection.on('error', () => undefined);
  if (raw) process.stdin.setRawMode(true);
  if (stdin) process.stdin.on('data', onData).on('end', onEnd).on('error', onEnd).resume();
  else connection.end();
  const nowhere = (stream: NodeJS.WriteStream, wanted = true) =>
    wanted ? stream : new Writable({ write: (_chunk, _encoding, done) => done() });
  const output = tty
    ? copyRaw(connection, nowhere(process.stdout, options.stdout))
    : copyFrames(connection, nowhere(process.stdout, options.stdout), nowhere(process.stderr, options.stderr));
  try {
    return await Promise.race([output.then(() => 'ended' as const), left]);
  } catch (error) {
    // Cut off in the middle: whoever waits for the exit code will hear of it.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET' || (error as Error).name === 'AbortError') return 'ended';
    if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return 'ended';
    throw error;
  } finally {
    process.stdin.off('data', onData).off('end', onEnd);
    if (stdin) process.stdin.pause();
    if (raw) process.stdin.setRawMode(false);
    output.catch(() => undefined);
    connection.destroy();
  }
}
