/** What may be done with a process in which state, and how clients are told that it may not: in containerd's words. */
import { unknown } from './errors.ts';

/** A process is `paused` with its container. */
export type ProcessState = 'created' | 'running' | 'paused' | 'stopped';
export type Verb = 'start' | 'delete' | 'pause' | 'resume' | 'update' | 'checkpoint' | 'exec';

const REFUSALS: Record<Verb, Partial<Record<ProcessState, string>>> = {
  start: {
    running: 'cannot start a running process',
    paused: 'cannot start a paused process',
    stopped: 'cannot start a stopped process',
  },
  delete: { running: 'cannot delete a running process', paused: 'cannot delete a paused process' },
  pause: {
    created: 'cannot pause task in created state',
    paused: 'cannot pause a paused container',
    stopped: 'cannot pause a stopped container',
  },
  resume: {
    created: 'cannot resume task in created state',
    running: 'cannot resume a running process',
    stopped: 'cannot resume a stopped container',
  },
  update: { stopped: 'cannot update a stopped container' },
  checkpoint: { created: 'cannot checkpoint a task in created state', stopped: 'cannot checkpoint a stopped container' },
  exec: { paused: 'cannot exec in a paused state', stopped: 'cannot exec in a stopped state' },
};

/** @throws ConnectError where it may not */
export function check(verb: Verb, state: ProcessState): void {
  const refusal = REFUSALS[verb][state];
  if (refusal !== undefined) throw unknown(refusal);
}
