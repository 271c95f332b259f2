/** Text that is shown again and again in the same place of a terminal, until q or Ctrl-C; one after the other elsewhere. */
import { emitKeypressEvents } from 'node:readline';

export interface Screen {
  show(text: string): void;
  /** Waits; false when the person has had enough. */
  pause(ms: number): Promise<boolean>;
  /** The terminal is as it was before. */
  close(): void;
}

const ALTERNATE = '\x1b[?1049h\x1b[?25l';
const NORMAL = '\x1b[?25h\x1b[?1049l';
const HOME_AND_CLEAR = '\x1b[H\x1b[J';

export function openScreen(): Screen {
  const tty = process.stdout.isTTY === true;
  const keys = tty && process.stdin.isTTY === true;
  let enough = false;
  let wake: () => void = () => undefined;
  const stop = () => {
    enough = true;
    wake();
  };
  const onKey = (_: string | undefined, key: { name?: string; ctrl?: boolean }) => {
    if (key.name === 'q' || key.name === 'escape' || (key.ctrl && (key.name === 'c' || key.name === 'd'))) stop();
  };
  if (keys) {
    emitKeypressEvents(process.stdin);
    process.stdin.setRawMode(true).on('keypress', onKey).resume();
  }
  process.on('SIGINT', stop).on('SIGTERM', stop);
  if (tty) process.stdout.write(ALTERNATE);
  let last = '';
  return {
    show(text) {
      last = text;
      const rows = process.stdout.rows ?? 24;
      if (!tty) process.stdout.write(text);
      else
        process.stdout.write(
          HOME_AND_CLEAR +
            text
              .split('\n')
              .slice(0, rows - 1)
              .join('\n'),
        );
    },
    async pause(ms) {
      if (!enough)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      return !enough;
    },
    close() {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      if (keys) process.stdin.setRawMode(false).off('keypress', onKey).pause();
      // What was seen last stays on the screen.
      if (tty) process.stdout.write(`${NORMAL}${last}`);
    },
  };
}
