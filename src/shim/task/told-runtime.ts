/** An OCI runtime whose calls are told as messages: the last seam, between the shim and what makes containers. */
import { crossing } from '../../messages/crossing.ts';
import type { Fields } from '../../messages/message.ts';
import { isTold } from '../../messages/teller.ts';
import type { Made, OciRuntime } from './runtime.ts';

/**
 * Where nobody listens, it is the runtime itself.
 * @param protocol `a call` into the module, or `a new process`
 */
export function toldRuntime(runtime: OciRuntime, protocol: string): OciRuntime {
  if (!isTold()) return runtime;
  const told = <R>(name: string, carries: Fields, act: () => Promise<R>, answer?: (result: R) => Fields): Promise<R> =>
    crossing(() => ({ from: 'shim', to: 'runc', protocol, name, carries }), act, answer);
  const made = ({ pid }: Made): Fields => ({ pid });
  return {
    create: (request) => told('create', { id: request.id, bundle: request.bundle }, () => runtime.create(request), made),
    start: (id) => told('start', { id }, () => runtime.start(id)),
    exec: (id, request) => {
      const args = Array.isArray(request.process.args) ? request.process.args.map(String) : [];
      return told('exec', { id, exec_id: request.execId, args }, () => runtime.exec(id, request), made);
    },
    kill: (id, signal, all) => told('kill', { id, signal, ...(all ? { all } : {}) }, () => runtime.kill(id, signal, all)),
    pause: (id) => told('pause', { id }, () => runtime.pause(id)),
    resume: (id) => told('resume', { id }, () => runtime.resume(id)),
    update: (id, resources) => told('update', { id, resources }, () => runtime.update(id, resources)),
    pids: (id) =>
      told(
        'ps',
        { id },
        () => runtime.pids(id),
        (pids) => ({ pids }),
      ),
    delete: (id, force) => told('delete', { id, ...(force ? { force } : {}) }, () => runtime.delete(id, force)),
    checkpoint: (id, choices) => told('checkpoint', { id, images: choices.images }, () => runtime.checkpoint(id, choices)),
    restore: (request) => told('restore', { id: request.id, images: request.images }, () => runtime.restore(request), made),
  };
}
