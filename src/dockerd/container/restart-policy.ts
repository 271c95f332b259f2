/**
 * When a container is started again, and after how long.
 * @see https://docs.docker.com/engine/containers/start-containers-automatically/
 */
import type { RestartPolicy } from './config.ts';
import { type ContainerRecord, NEVER } from './record.ts';

const FIRST_MS = 100;
const LONGEST_MS = 60_000;
/** One that ran for so long has not failed at its start. */
const STEADY_MS = 10_000;

const hasTriesLeft = ({ MaximumRetryCount = 0 }: RestartPolicy, count: number): boolean =>
  MaximumRetryCount === 0 || count < MaximumRetryCount;

/** After its end. @param stopped somebody wanted it to end, for which no policy starts it again */
export function startsAgain({ HostConfig: { RestartPolicy }, RestartCount, State }: ContainerRecord, stopped: boolean): boolean {
  if (stopped || !RestartPolicy) return false;
  switch (RestartPolicy.Name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return State.ExitCode !== 0 && hasTriesLeft(RestartPolicy, RestartCount);
    default:
      return false;
  }
}

/**
 * One that does not run when the daemon starts. `always` counts for those that were stopped by hand as
 * well: that is its difference from `unless-stopped`.
 */
export function startsWithDaemon(record: ContainerRecord): boolean {
  if (record.State.StartedAt === NEVER) return false;
  return record.HostConfig.RestartPolicy?.Name === 'always' || startsAgain(record, record.StoppedByHand);
}

/** Twice as long each time, up to a minute. @param last the wait before its last start, 0 for none; all in milliseconds */
export function nextWait(last: number, ran: number): number {
  if (last === 0 || ran >= STEADY_MS) return FIRST_MS;
  return Math.min(2 * last, LONGEST_MS);
}
