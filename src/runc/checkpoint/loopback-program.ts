/**
 * The loopback interface of a restored container. criu makes its network namespace and leaves it
 * empty, because interfaces are made by engines; `lo`, which every container of ours has up, would stay down.
 */
import { CLONE, O } from '../../libc/flags.ts';
import { add, closeResult, newDraft, type Setting } from '../compile/draft.ts';
import { compileLoopback } from '../compile/identity.ts';
import type { Host } from '../host/facts.ts';
import { open, setns } from '../program/calls.ts';
import { type Program, ref } from '../program/step.ts';
import type { Config } from '../spec/config.ts';

/** Steps of the runtime alone. @param pid a process in the new network namespace */
export function compileRestoredLoopback(config: Config, host: Host, pid: number): Program {
  const draft = newDraft(config, host);
  const setting: Setting = { actor: 'runtime', chapter: 'identity', from: 'minirun' };
  for (const [name, path] of [
    ['own', '/proc/thread-self/ns/net'],
    ['theirs', `/proc/${pid}/ns/net`],
  ] as const)
    add(draft, {
      ...setting,
      call: open(path, O.O_RDONLY | O.O_CLOEXEC),
      saves: name,
      minor: true,
      why: name === 'own' ? 'The network namespace to come back to.' : "The container's: criu has just made it.",
    });
  add(draft, {
    ...setting,
    call: setns(ref('theirs'), CLONE.CLONE_NEWNET),
    why: 'This thread visits the network of the container, which criu leaves as it was born: with a loopback interface that is down.',
  });
  compileLoopback(draft, setting);
  add(draft, { ...setting, call: setns(ref('own'), CLONE.CLONE_NEWNET), why: 'And comes back.' });
  for (const name of ['theirs', 'own']) closeResult(draft, setting, ref(name));
  return { version: 1, arch: host.arch, steps: draft.steps, warnings: draft.warnings };
}
