/** Signals by name: signal(7). */
import { constants } from 'node:os';

/** SIGRTMIN as the kernel counts. */
const FIRST_REALTIME = 34;
const LAST = 64;

/** What a signal that ends a process means, in the words of strsignal(3) that people search for. */
const MEANINGS: Record<number, string> = {
  1: 'hangup',
  2: 'interrupt',
  3: 'quit',
  4: 'illegal instruction',
  6: 'aborted',
  7: 'bus error',
  8: 'floating point exception',
  9: 'killed',
  11: 'segmentation fault',
  13: 'broken pipe',
  14: 'alarm clock',
  15: 'terminated',
  31: 'bad system call',
}; // prettier-ignore

export const signalMeaning = (number: number): string => MEANINGS[number] ?? String(number);

/**
 * `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`.
 * @throws Error in runc's words when there is no such signal
 */
export function parseSignal(text: string): number {
  const unknown = () => new Error(`unknown signal ${JSON.stringify(text)}`);
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number > LAST) throw unknown();
    return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RT(MIN|MAX)([+-]\d+)?$/.exec(name);
  if (realtime) return (realtime[1] === 'MIN' ? FIRST_REALTIME : LAST) + Number(realtime[2] ?? 0);
  const number = (constants.signals as Record<string, number>)[`SIG${name}`];
  if (number === undefined) throw unknown();
  return number;
}
