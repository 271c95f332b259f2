/** `--step`: shows each step before it runs, and waits for the person to say go. */
import { readSync } from 'node:fs';
import { Aborted, type Observer, type Where } from '../runc/engine/observer.ts';
import { type Narrator, narrator } from './narrate.ts';
import { palette } from './style.ts';

export interface PromptOptions {
  /** Descriptor of the terminal that answers are read from. */
  input: number;
  /** Where the step and the question are written: the same terminal. */
  write: (text: string) => void;
  /** Opens a shell where the step is about to run, and returns when it has ended: see step-shell.ts. */
  openShell: (where: Where) => void;
  colour?: boolean;
  width?: number;
  numbers?: boolean;
}

const KEYS: [key: string, meaning: string][] = [
  ['Enter', 'make this call'],
  ['n', 'go on to the next chapter'],
  ['c', 'continue to the end'],
  ['s', 'open a shell where the call would be made; exit comes back here'],
  ['q', 'stop, and undo what was made so far'],
  ['?', 'this list'],
];

/**
 * Wraps an observer so that each step waits for a line from the terminal. A {@link Narrator} is
 * asked to announce the step; with any other observer (JSON lines to a file) the prompt tells the
 * story on the terminal itself.
 *
 * Reading blocks the whole process, on purpose: every actor stands still meanwhile. The end of the
 * input (ctrl-D, or the terminal has gone) means stop: who asked to be asked must not get a
 * container that went on by itself.
 * @throws Aborted from `begin`, when the answer is q or the input ends
 */
export function stepPrompt(inner: Observer, options: PromptOptions): Observer {
  const style = palette(options.colour ?? false);
  const own = isNarrator(inner) ? undefined : narrator(options);
  const story: Narrator = own ?? (inner as Narrator);
  const { write } = options;
  let asking: 'every step' | 'never' | { chapter: string } = 'every step';
  let helped = false;

  const help = () => {
    helped = true;
    for (const [key, meaning] of KEYS) write(`  ${style.bold(key.padEnd(5))}  ${style.dim(meaning)}\n`);
  };

  const ask = (where: Where): void => {
    if (!helped) {
      write('\n');
      help();
    }
    for (;;) {
      write(style.bold(`\nstep ${where.index + 1} of ${where.program.steps.length} `) + style.dim('[Enter n c s q ?] '));
      const answer = readLine(options.input);
      switch (answer?.trim().toLowerCase()) {
        case '':
          return;
        case 'n':
          asking = { chapter: where.step.chapter };
          return;
        case 'c':
          asking = 'never';
          return;
        case 's':
          options.openShell(where);
          break;
        case 'q':
          throw new Aborted();
        case undefined:
          write('\n');
          throw new Aborted();
        case '?':
          help();
          break;
        default:
          write(
            `"${answer
              ?.trim()
              .replace(/[^ -~]/g, '?')
              .slice(0, 20)}" is none of the answers:\n`,
          );
          help();
      }
    }
  };

  return {
    begin(where) {
      if (typeof asking === 'object' && where.step.chapter !== asking.chapter) asking = 'every step';
      if (asking === 'every step') {
        story.announce(where);
        ask(where);
      }
      // Only now: what a shell changed is not to be told as the work of the step.
      own?.begin(where);
      inner.begin?.(where);
    },
    end(where, outcome) {
      own?.end(where, outcome);
      inner.end?.(where, outcome);
    },
  };
}

const isNarrator = (observer: Observer): observer is Narrator => 'announce' in observer;

const LINE_END = 10;

/** One line from a descriptor, without its end; undefined at the end of the input. Blocks. */
export function readLine(input: number): string | undefined {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  for (;;) {
    let count: number;
    try {
      count = readSync(input, byte, 0, 1, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EINTR') continue;
      // Node may have set the terminal to non-blocking: wait a little, then look again.
      if (code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
        continue;
      }
      if (code === 'EIO') return undefined; // the terminal has hung up
      throw error;
    }
    if (count === 0) return bytes.length ? Buffer.from(bytes).toString('utf8') : undefined;
    if (byte[0] === LINE_END) return Buffer.from(bytes).toString('utf8');
    bytes.push(byte[0] as number);
  }
}
