/**
 * Whether a container is well: what its check is, and what follows from a result. Nothing here acts.
 * @see https://docs.docker.com/reference/dockerfile/#healthcheck
 */
import type { ContainerConfig } from './config.ts';
import type { Health, HealthResult } from './record.ts';

export interface HealthCheck {
  command: string[];
  /** All of these in milliseconds. */
  interval: number;
  timeout: number;
  startPeriod: number;
  startInterval: number;
  /** So many failures in a row make it unhealthy. */
  retries: number;
}

const SECOND = 1000;
/** Docker keeps no more. */
const RESULTS = 5;

const milliseconds = (nanoseconds: number | undefined, otherwise: number): number => (nanoseconds ? nanoseconds / 1e6 : otherwise);

/** @returns undefined when there is none, or it is switched off */
export function healthCheckOf({ Healthcheck, Shell }: ContainerConfig): HealthCheck | undefined {
  const [kind, ...words] = Healthcheck?.Test ?? [];
  if (!Healthcheck || words.length === 0) return undefined;
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined;
  const shell = Shell?.length ? Shell : ['/bin/sh', '-c'];
  return {
    command: kind === 'CMD' ? words : [...shell, ...words],
    interval: milliseconds(Healthcheck.Interval, 30 * SECOND),
    timeout: milliseconds(Healthcheck.Timeout, 30 * SECOND),
    startPeriod: milliseconds(Healthcheck.StartPeriod, 0),
    startInterval: milliseconds(Healthcheck.StartInterval, 5 * SECOND),
    retries: Healthcheck.Retries || 3,
  };
}

/** It was started; older results stay to be seen. */
export const starting = (before: Health | undefined): Health => ({ Status: 'starting', FailingStreak: 0, Log: before?.Log ?? [] });

/** Nobody looks after it while it is paused or stopped; Docker calls that unhealthy. */
export const unwatched = (before: Health): Health => ({ ...before, Status: 'unhealthy' });

/** How long until the next look, in ms. @param age since the container's start */
export const nextLook = (check: HealthCheck, status: Health['Status'], age: number): number =>
  age < check.startPeriod && status === 'starting' ? check.startInterval : check.interval;

/** @param age of the container when this look began, in ms */
export function afterLook(before: Health, result: HealthResult, check: HealthCheck, age: number): Health {
  const Log = [...before.Log, result].slice(-RESULTS);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  // Until it has been well once it may take its time.
  const excused = before.Status === 'starting' && age < check.startPeriod;
  const FailingStreak = before.FailingStreak + (excused ? 0 : 1);
  return { Status: !excused && FailingStreak >= check.retries ? 'unhealthy' : before.Status, FailingStreak, Log };
}
