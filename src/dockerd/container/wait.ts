/** Waiting for a container: POST /containers/ID/wait. */
import { badRequest } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { isRunning } from './record.ts';

export type Condition = 'not-running' | 'next-exit' | 'removed';

const CONDITIONS: Record<string, Condition> = {
  '': 'not-running',
  'not-running': 'not-running',
  'next-exit': 'next-exit',
  removed: 'removed',
};

/** @throws 400 */
export function parseCondition(text: string): Condition {
  const found = CONDITIONS[text];
  if (found === undefined) throw badRequest(`invalid condition: ${JSON.stringify(text)}`);
  return found;
}

export interface Waited {
  StatusCode: number;
}

/**
 * Resolves when the condition is met. Who asks must be heard before anything else happens to the
 * container, so the listener is there when this returns.
 * @throws (the promise) when the signal is aborted
 */
export function waitFor(container: Container, condition: Condition, signal: AbortSignal): Promise<Waited> {
  // Why a start failed is told to whoever asked for the start.
  const result = (): Waited => ({ StatusCode: container.record.State.ExitCode });
  if (condition === 'not-running' && !isRunning(container.record)) return Promise.resolve(result());
  return new Promise((resolve, reject) => {
    const off = container.onChange((change) => {
      if (change === 'started' || (change === 'exited' && condition === 'removed')) return;
      off();
      resolve(result());
    });
    signal.addEventListener('abort', () => {
      off();
      reject(signal.reason);
    });
  });
}
