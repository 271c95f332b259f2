/** From which memory nodes of a NUMA machine the process gets its memory. Source: set_mempolicy(2). */
import { MPOL, MPOL_F } from '../../libc/flags.ts';
import { setMempolicy } from '../program/calls.ts';
import { bitMask, numbersOf } from '../spec/number-list.ts';
import { add, type Draft } from './draft.ts';

const WHY: Record<string, string> = {
  MPOL_DEFAULT: 'Memory comes from the node of the processor that asks for it: what the kernel does anyway.',
  MPOL_BIND: 'Memory comes from these nodes only: when they are full, asking for more fails.',
  MPOL_INTERLEAVE: 'Pages are dealt out to these nodes in turn, so that the bandwidth of all of them is used.',
  MPOL_WEIGHTED_INTERLEAVE: 'Pages are dealt out to these nodes by the weights that the administrator gave them.',
  MPOL_PREFERRED: 'Memory comes from this node as long as it has some.',
  MPOL_PREFERRED_MANY: 'Memory comes from these nodes as long as they have some.',
  MPOL_LOCAL: 'Memory comes from the node of the processor that asks for it.',
};

export function compileMemoryPolicy(draft: Draft): void {
  const policy = draft.config.linux?.memoryPolicy;
  if (!policy) return;
  const flags = (policy.flags ?? []).reduce((bits, name) => bits | (MPOL_F[name as keyof typeof MPOL_F] ?? 0), 0);
  const nodes = numbersOf(policy.nodes ?? '');
  add(draft, {
    actor: 'init',
    chapter: 'privileges',
    from: '#/linux/memoryPolicy',
    call: setMempolicy(MPOL[policy.mode as keyof typeof MPOL] | flags, nodes.length ? bitMask(nodes) : undefined, policy.nodes ?? ''),
    why: `${WHY[policy.mode]} On a machine with several memory nodes (NUMA) the near one answers faster than the others.`,
  });
}
