/** Signals by name: signal(7). */
import { constants } from 'node:os';

/** SIGRTMIN as the kernel counts. */
const FIRST_REALTIME = 34;
const LAST = 64;

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
