/** Questions at the terminal. They are asked on standard error, so that output can go into a file. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CommandFailed } from '../connect/failed.ts';

/** One line. */
export async function askHere(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // The end of the input is an empty answer; readline itself would wait for ever.
    return await new Promise<string>((resolve, reject) => {
      terminal.once('close', () => resolve(''));
      terminal.question(question).then(resolve, reject);
    });
  } finally {
    terminal.close();
  }
}

/** One line that is not shown while it is typed. */
export async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}

/**
 * Before something is removed; `--force` leaves the question out.
 * @throws CommandFailed when the answer does not begin with y (an empty input is such an answer)
 */
export async function confirm(what: string, warning: string): Promise<void> {
  const answer = await askHere(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailed(`${what} has been cancelled`);
}
