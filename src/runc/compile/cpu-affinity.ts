/** On which processors a process may run. Source: sched_setaffinity(2); runtime-spec config.md, "execCPUAffinity". */
import { schedSetaffinity } from '../program/calls.ts';
import type { Process } from '../spec/config.ts';
import { bitMask, numbersOf } from '../spec/number-list.ts';
import { add, type Draft } from './draft.ts';

type Affinity = Process['execCPUAffinity'];

/** One bit for each processor that the kernel can have (CONFIG_NR_CPUS, 8192 at most). */
const ALL_PROCESSORS = new Uint8Array(1024).fill(0xff);

/** exec: the starter goes to the first processors before it makes anything, so that its own work does not disturb others. */
export function compileInitialAffinity(draft: Draft, affinity: Affinity): void {
  if (!affinity?.initial) return;
  add(draft, {
    actor: 'starter',
    chapter: 'namespaces',
    from: '#/process/execCPUAffinity/initial',
    call: schedSetaffinity(0, bitMask(numbersOf(affinity.initial)), affinity.initial),
    why: "Until the new process is in the container's cgroup it may use these processors only: on a machine with processors that are set apart for real-time work, even a short visit disturbs it.",
  });
}

/**
 * Once init is in its cgroup, and not before: a process that enters a cpuset gets all of its
 * processors. A process inherits its affinity; a runtime that was itself confined
 * (by taskset, or by whoever started it) must not confine the container, whose cpuset decides.
 */
export function compileFinalAffinity(draft: Draft, affinity: Affinity): void {
  if (affinity?.final) {
    add(draft, {
      actor: 'init',
      chapter: 'cgroup',
      from: '#/process/execCPUAffinity/final',
      call: schedSetaffinity(0, bitMask(numbersOf(affinity.final)), affinity.final),
      why: "Now that it is in the container's cgroup, it moves to the processors that it was given.",
    });
  } else if (!affinity?.initial) {
    add(draft, {
      actor: 'init',
      chapter: 'cgroup',
      from: 'minirun',
      call: schedSetaffinity(0, ALL_PROCESSORS, 'all processors'),
      ignore: ['EINVAL', 'EPERM'],
      minor: true,
      why: 'A new process inherits the processors to which its parent is confined. Lift that: the cpuset of its cgroup alone decides.',
    });
  }
}
