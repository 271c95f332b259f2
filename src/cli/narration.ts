/** --explain, --explain-to and --step: who watches the start, and where it is told. */
import { closeSync, openSync } from 'node:fs';
import type { Observer } from '../runc/engine/observer.ts';
import type { RunOptions } from './run-options.ts';
import { UsageError } from './usage-error.ts';
import { writeAll } from './write-all.ts';

export interface Narration {
  observer: Observer | undefined;
  close(): void;
}

function openTerminal(): number {
  try {
    return openSync('/dev/tty', 'r+');
  } catch {
    throw new UsageError('--step: there is no terminal to ask on; use --explain instead');
  }
}

/** Opens what is needed. The container's own output stays untouched: nothing is told on standard output. */
export async function openNarration(options: Pick<RunOptions, 'explain' | 'explainTo' | 'explainNumbers' | 'step'>): Promise<Narration> {
  if (!options.explain && !options.step && !options.explainTo) return { observer: undefined, close() {} };
  const { isatty } = await import('node:tty');
  const { textWidth, wantsColour } = await import('../explain/style.ts');
  const open: number[] = [];
  const close = () => {
    for (const fd of open.splice(0)) closeSync(fd);
  };
  let fd = 2;
  if (options.explainTo) {
    try {
      fd = openSync(options.explainTo, 'w');
    } catch (error) {
      throw new UsageError(`--explain-to ${options.explainTo}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
    open.push(fd);
  }
  // process.stderr is touched only where it is a terminal: to Node, opening a pipe means to make it non-blocking, for the container too.
  const onTerminal = isatty(2);
  const stream = options.explainTo || !onTerminal ? {} : process.stderr;
  const write = (text: string) => writeAll(fd, text);
  const look = { colour: wantsColour(stream), width: textWidth(stream), numbers: options.explainNumbers };
  let observer: Observer | undefined;
  if (options.explain === 'json') observer = (await import('../explain/json.ts')).jsonNarrator({ write });
  else if (options.explain || options.explainTo || options.step)
    observer = (await import('../explain/narrate.ts')).narrator({ write, ...look });
  if (options.step && observer) {
    const tty = openTerminal();
    open.push(tty);
    const { stepPrompt } = await import('../explain/step-prompt.ts');
    const { openShell } = await import('../explain/step-shell.ts');
    const ask = (text: string) => writeAll(tty, text);
    // Told elsewhere (a file, a pipe), the story would not be seen beside the question: the prompt tells it too.
    const { begin, end } = observer;
    const elsewhere = options.explainTo !== undefined || !onTerminal;
    observer = stepPrompt(elsewhere ? { ...(begin ? { begin } : {}), ...(end ? { end } : {}) } : observer, {
      input: tty,
      write: ask,
      openShell: (where) => openShell(where, { tty, write: ask, width: look.width }),
      colour: wantsColour(onTerminal ? process.stderr : {}),
      width: look.width,
      numbers: options.explainNumbers,
    });
  }
  return { observer, close };
}
