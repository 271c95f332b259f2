/** A person at a terminal: a program inside a sandbox with a pseudoterminal as its stdio. */
import type { Sandbox } from './sandbox.ts';
import { answerOf, eventually } from './sandbox.ts';

export interface Terminal {
  /** All that has appeared so far. */
  screen(): string;
  type(text: string): void;
  /** Waits until the screen matches. */
  shows(pattern: RegExp): Promise<void>;
  /** What a person does who pulls at the window's corner. */
  resize(rows: number, columns: number): Promise<void>;
  /** Exit code of the program. */
  ended: Promise<number | null>;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** @param size rows, columns */
export function terminal(place: Sandbox, args: string[], size = [24, 80], env: Record<string, string> = {}): Terminal {
  const command = `tty; stty rows ${size[0]} cols ${size[1]}; exec ${args.map(quoted).join(' ')}`;
  const child = place.start(['script', '-qefc', command, '/dev/null'], { env });
  let screen = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    screen += bytes.toString();
  });
  child.stdin?.on('error', () => {});
  const ended = answerOf(child).then((answer) => answer.code);
  return {
    screen: () => screen,
    type: (text) => void child.stdin?.write(text),
    async shows(pattern) {
      await eventually(`the terminal shows ${pattern}`, () => pattern.test(screen)).catch((error: Error) => {
        throw new Error(`${error.message}; it shows ${JSON.stringify(screen)}`);
      });
    },
    async resize(rows, columns) {
      const device = /\/dev\/pts\/\d+/.exec(screen)?.[0] ?? 'no terminal';
      await place.run(['stty', '-F', device, 'rows', String(rows), 'cols', String(columns)]);
    },
    ended,
  };
}
