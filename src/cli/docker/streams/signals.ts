/** Signals that reach this process are the container's (--sig-proxy). */
import type { Connection } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';

/** Not those that cannot be caught, and not those that are this process's own business (CHLD, WINCH, PIPE, URG). */
const PASSED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGTERM', 'SIGCONT', 'SIGTSTP'] as const;

/**
 * Begins to pass signals on; those that come before `to` is called wait for it.
 * @returns `to` names the container; `stop` ends it
 */
export function passSignals(connection: Connection): { to(id: string): void; stop(): void } {
  let container: string | undefined;
  const early: string[] = [];
  const send = (signal: string) => {
    if (container === undefined) early.push(signal);
    else void ask(connection, `/containers/${container}/kill`, { method: 'POST', query: { signal } }).catch(() => undefined);
  };
  const handlers = PASSED.map((name) => {
    const handler = () => send(name);
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    to(id) {
      container = id;
      early.splice(0).forEach(send);
    },
    stop() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
