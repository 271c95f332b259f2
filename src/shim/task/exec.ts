/** Exec: a further process is written down, to be started later. */
import type { ExecProcessRequest } from '../../proto/containerd/task/v2/task_pb.ts';
import { type Container, stateOf } from './container.ts';
import { alreadyExists, invalidArgument, messageOf } from './errors.ts';
import { check } from './state-rules.ts';
import { newProcess } from './task-process.ts';

/** It becomes the name of a file in the bundle. */
const EXEC_ID = /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/;

/** @throws ConnectError when there is one of that id, or it cannot be one */
export function addExec(container: Container, request: ExecProcessRequest): void {
  const { execId, terminal, stdin, stdout, stderr } = request;
  if (container.execs.has(execId)) throw alreadyExists(`id ${execId}`);
  check('exec', stateOf(container, container.init));
  if (!EXEC_ID.test(execId)) throw invalidArgument(`exec id ${JSON.stringify(execId)}`);
  container.execs.set(execId, newProcess(execId, { stdin, stdout, stderr, terminal }, specOf(request)));
}

/** The request's own word on the terminal counts. */
function specOf({ spec, terminal }: ExecProcessRequest): Record<string, unknown> {
  try {
    const process: unknown = JSON.parse(Buffer.from(spec?.value ?? []).toString());
    if (typeof process !== 'object' || process === null) throw new Error('it is no object');
    return { ...process, terminal };
  } catch (error) {
    throw invalidArgument(`the process to run as JSON (${messageOf(error)})`);
  }
}
