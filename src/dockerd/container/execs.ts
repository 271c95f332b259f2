/** Further processes in containers: asked for first, started later, and known until their container has ended. */
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { notFound } from '../http/api-error.ts';
import { boolean, optional, text, texts } from '../http/fields.ts';
import type { Streams } from './streams.ts';

/** The body of POST /containers/ID/exec. */
export const execRequest = v.object({
  User: text,
  Privileged: boolean,
  Tty: boolean,
  ConsoleSize: optional(v.pipe(v.array(v.number()), v.length(2))),
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  DetachKeys: text,
  Env: texts,
  WorkingDir: text,
  Cmd: texts,
});

/** The body of POST /exec/ID/start. */
export const execStartRequest = v.object({
  Detach: boolean,
  Tty: boolean,
  ConsoleSize: optional(v.pipe(v.array(v.number()), v.length(2))),
});

export type ExecRequest = v.InferOutput<typeof execRequest>;

export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecRequest;
  /** Somebody has started it; nobody can again. */
  started: boolean;
  running: boolean;
  pid: number;
  /** null until it has ended. */
  exitCode: number | null;
  streams: Streams | undefined;
}

export interface Execs {
  add(containerId: string, request: ExecRequest): Exec;
  /** @throws 404 */
  get(id: string): Exec;
  /** Ids of a container's processes that have not ended. */
  of(containerId: string): string[];
  /** One that has ended, and that nobody will ask for. */
  drop(id: string): void;
  /** All of a container, when it is gone. */
  forget(containerId: string): void;
}

/** How many ended ones are kept, for clients that ask for the exit code late. */
const KEPT = 512;

export function openExecs(): Execs {
  const all = new Map<string, Exec>();
  return {
    add(containerId, request) {
      const id = randomBytes(32).toString('hex');
      const exec: Exec = { id, containerId, request, started: false, running: false, pid: 0, exitCode: null, streams: undefined };
      if (all.size >= KEPT) {
        for (const [old, { exitCode }] of all) {
          if (exitCode === null) continue;
          all.delete(old);
          break;
        }
      }
      all.set(id, exec);
      return exec;
    },
    get(id) {
      const found = all.get(id);
      if (!found) throw notFound(`No such exec instance: ${id}`);
      return found;
    },
    of: (containerId) => [...all.values()].filter((exec) => exec.containerId === containerId && exec.exitCode === null).map(({ id }) => id),
    drop: (id) => void all.delete(id),
    forget(containerId) {
      for (const [id, exec] of all) if (exec.containerId === containerId) all.delete(id);
    },
  };
}
