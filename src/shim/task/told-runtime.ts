/** An OCI runtime whose calls are told as messages: the last seam, between the shim and what makes containers. */
import { crossing } from '../../messages/crossing.ts';
import type { Fields } from '../../messages/message.ts';
import { isTold } from '../../messages/teller.ts';
import type { Made, OciRuntime } from './runtime.ts';

type Calls = { [K in keyof OciRuntime]: (...args: Parameters<OciRuntime[K]>) => Fields };

/** What a call carries that a reader wants to see. */
const CARRIES: Calls = {
  create: ({ id, bundle }) => ({ id, bundle }),
  start: (id) => ({ id }),
  exec: (id, { execId, process }) => ({ id, exec_id: execId, args: Array.isArray(process.args) ? process.args.map(String) : [] }),
  kill: (id, signal, all) => ({ id, signal, ...(all ? { all } : {}) }),
  pause: (id) => ({ id }),
  resume: (id) => ({ id }),
  update: (id, resources) => ({ id, resources }),
  pids: (id) => ({ id }),
  delete: (id, force) => ({ id, ...(force ? { force } : {}) }),
  checkpoint: (id, { images }) => ({ id, images }),
  restore: ({ id, images }) => ({ id, images }),
};

/** The runtime's own words, where they differ. */
const NAMES: Partial<Record<keyof OciRuntime, string>> = { pids: 'ps' };

function answerOf(result: unknown): Fields {
  if (Array.isArray(result)) return { pids: result as number[] };
  return result ? { pid: (result as Made).pid } : {};
}

/**
 * Where nobody listens, it is the runtime itself.
 * @param protocol `a call` into the module, or `a new process`
 */
export function toldRuntime<R extends Partial<OciRuntime>>(runtime: R, protocol: string): R {
  if (!isTold()) return runtime;
  const told = Object.entries(runtime).map(([name, call]) => {
    const key = name as keyof OciRuntime;
    const act = call as (...args: unknown[]) => Promise<unknown>;
    const carries = CARRIES[key] as (...args: unknown[]) => Fields;
    const seam = { from: 'shim', to: 'runc', protocol, name: NAMES[key] ?? key };
    const wrapped = (...args: unknown[]) =>
      crossing(
        () => ({ ...seam, carries: carries(...args) }),
        () => act.apply(runtime, args),
        answerOf,
      );
    return [name, wrapped];
  });
  return Object.fromEntries(told) as R;
}
