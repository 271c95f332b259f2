/** Signals that reach minirun are the container's: passed on to its first process. */
import { constants } from 'node:os';
import { signal } from '../../libc/process.ts';

/** Those that Node can catch and that are not its own or the terminal's business. */
const FORWARDED = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGIO',
  'SIGPWR',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGXFSZ',
] as const;

export interface Forwarding {
  /** From now on they go to this process; those that came before are sent now. */
  to(pid: number): void;
  stop(): void;
}

/** Begins to hold signals back, before the container is started, so that none is lost. */
export function forwardSignals(): Forwarding {
  let target: number | undefined;
  const early: number[] = [];
  const handlers = FORWARDED.map((name) => {
    const number = constants.signals[name];
    const handler = () => {
      if (target === undefined) early.push(number);
      else signal(target, number);
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    to(pid) {
      target = pid;
      for (const number of early.splice(0)) signal(pid, number);
    },
    stop() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
