/** One look of a health check: its command run in the container. */
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { createExec, startExec } from './exec.ts';
import type { HealthCheck } from './health.ts';
import type { Look } from './health-checks.ts';
import { SIGKILL } from './signals.ts';
import { unlessGone } from './task.ts';

/** Bytes of its output that are kept. */
const OUTPUT = 4096;

/** The beginning of what is written into it. */
function limitedText() {
  const pieces: Buffer[] = [];
  let missing = OUTPUT;
  let cut = false;
  return {
    add(chunk: Buffer): void {
      // A copy: who reads may use the chunk again.
      if (missing > 0) pieces.push(Buffer.from(chunk.subarray(0, missing)));
      cut ||= chunk.length > missing;
      missing = Math.max(0, missing - chunk.length);
    },
    text: (): string => `${Buffer.concat(pieces).toString('utf8')}${cut ? '...' : ''}`,
  };
}

/** As Go writes a duration: 1s, 1.5s, 500ms, 1m30s. */
export function goDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const seconds = milliseconds / 1000;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${Number((seconds % 60).toFixed(9))}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}

/** Never rejects: what cannot be run is a bad result as well. */
export async function probe(daemon: Daemon, container: Container, check: HealthCheck, signal: AbortSignal): Promise<Look> {
  const output = limitedText();
  let execId: string | undefined;
  try {
    const exec = createExec(daemon, container, { Cmd: check.command, AttachStdout: true, AttachStderr: true });
    execId = exec.id;
    const listener = {
      output: (_: unknown, chunk: Buffer) => {
        output.add(chunk);
        return true;
      },
      end: () => undefined,
    };
    const { ended } = await startExec(daemon, container, exec, ({ streams }) => streams?.attach(listener));
    // Its time begins when it runs: a machine under load is no reason to call a container unhealthy.
    const inTime = await within(ended, check.timeout, signal);
    if (inTime !== undefined) return { exitCode: inTime, output: output.text() };
    await unlessGone(daemon.clients.tasks.kill({ containerId: container.id, execId: exec.id, signal: SIGKILL })).catch(() => undefined);
    await ended;
    const text = output.text();
    return { exitCode: -1, output: `Health check exceeded timeout (${goDuration(check.timeout)})${text === '' ? '' : `: ${text}`}` };
  } catch (error) {
    return { exitCode: -1, output: textOf(error) };
  } finally {
    if (execId !== undefined) daemon.execs.drop(execId);
  }
}

/** @returns undefined when it takes longer, or is not wanted any more */
function within(ended: Promise<number>, milliseconds: number, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const late = () => resolve(undefined);
    const timer = setTimeout(late, milliseconds);
    signal.addEventListener('abort', late, { once: true });
    ended.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
    });
    if (signal.aborted) late();
  });
}
