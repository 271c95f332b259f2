/** Capabilities: root's power in forty parts, of which a container keeps a few. */
import { CAPABILITIES } from '../../libc/capabilities.ts';
import { PR, PR_CAP_AMBIENT_OP } from '../../libc/flags.ts';
import { int } from '../program/args.ts';
import { capset, prctl } from '../program/calls.ts';
import type { Capabilities } from '../spec/config.ts';
import { add, type Draft, type Setting } from './draft.ts';

export interface CapabilitySets {
  bounding: bigint;
  effective: bigint;
  inheritable: bigint;
  permitted: bigint;
  ambient: bigint;
}

const CAP_SYS_ADMIN = 21;
const init = (from: string): Setting => ({ actor: 'init', chapter: 'privileges', from });

/** Bit mask of capability names. Names that this table does not know are the validator's business. */
export const capabilityMask = (names: readonly string[] | undefined): bigint =>
  (names ?? []).reduce((mask, name) => {
    const bit = CAPABILITIES.indexOf(name);
    return bit < 0 ? mask : mask | (1n << BigInt(bit));
  }, 0n);

export const capabilityNames = (mask: bigint): string[] => CAPABILITIES.filter((_, bit) => mask & (1n << BigInt(bit)));

const SETS = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'] as const;

/** Names in any of the sets that stand for no capability of this kernel (config.md: a warning, not an error). */
function unknownNames(asked: Capabilities, lastCapability: number): string[] {
  const names = new Set(SETS.flatMap((set) => asked[set] ?? []));
  return [...names].filter((name) => {
    const bit = CAPABILITIES.indexOf(name);
    return bit < 0 || bit > lastCapability;
  });
}

/**
 * The five sets that the process will have; a config that names none gets none, as in runc and
 * crun. What this process's own bounding set lacks cannot be
 * given away: it is left out, with a warning, as podman does. In a new user namespace every
 * capability is there. A name that is unknown to the kernel is left out as well, and so is an
 * ambient capability that is not permitted and inheritable, which the kernel would refuse
 * (capabilities(7), "Thread capability sets").
 */
export function capabilitySets(draft: Draft, asked: Capabilities = {}): CapabilitySets {
  const unknown = unknownNames(asked, draft.host.lastCapability);
  if (unknown.length) draft.warnings.push(`ignoring unknown or unavailable capabilities: ${unknown.join(', ')}`);
  const known = (1n << BigInt(draft.host.lastCapability + 1)) - 1n;
  const inUserNamespace = draft.config.linux?.namespaces?.some((n) => n.type === 'user') ?? false;
  const available = inUserNamespace ? known : draft.host.bounding & known;
  const sets = {} as CapabilitySets;
  let all = 0n;
  for (const set of SETS) {
    sets[set] = capabilityMask(asked[set]) & known;
    all |= sets[set];
  }
  const lacking = capabilityNames(all & ~available);
  if (lacking.length) {
    draft.warnings.push(
      `${lacking.join(', ')} cannot be given to the container, because minirun itself does not have ${lacking.length === 1 ? 'it' : 'them'}`,
    );
    for (const set of SETS) sets[set] &= available;
  }
  const refused = sets.ambient & ~(sets.permitted & sets.inheritable);
  if (refused) {
    // Without any inheritable set it is what old versions of `runc spec` wrote for everybody: nothing to talk about.
    for (const name of asked.inheritable?.length ? capabilityNames(refused) : [])
      draft.warnings.push(`can't raise ambient capability ${name}: it must be in the permitted and in the inheritable set too`);
    sets.ambient &= ~refused;
  }
  return sets;
}

/** The bounding set is lowered while CAP_SETPCAP is still there. */
export function compileBounding(draft: Draft, sets: CapabilitySets): void {
  const all = Math.min(draft.host.lastCapability, 63);
  let first = true;
  for (let bit = 0; bit <= all; bit++) {
    if (sets.bounding & (1n << BigInt(bit))) continue;
    add(draft, {
      ...init('#/process/capabilities/bounding'),
      call: prctl(PR.PR_CAPBSET_DROP, int(bit, 'CAPABILITY')),
      minor: !first,
      why: first
        ? 'Take this capability out of the bounding set, the most that this process and its children can ever have again, even by executing a set-uid program. One call for each of those that were not asked for.'
        : 'Not asked for: gone for good.',
      man: 'capabilities(7)',
    });
    first = false;
  }
}

/** Changing the user id away from 0 would clear all capabilities: keep the permitted ones for a moment. */
export function compileKeepCapabilities(draft: Draft, keep: boolean): void {
  add(draft, {
    ...init('minirun'),
    call: prctl(PR.PR_SET_KEEPCAPS, keep ? 1 : 0),
    minor: true,
    why: keep
      ? 'When a process stops being root it loses its capabilities. Keep them for the moment: the ones that were asked for are chosen below.'
      : 'From here on the usual rule holds again.',
  });
}

/**
 * Before the last capset: everything that still needs power (CAP_SYS_ADMIN to install a seccomp
 * filter without no_new_privs) is kept beside the wanted sets.
 * @param isRoot whether the process is uid 0 now: then its effective set is still full
 */
export function compileAmbient(draft: Draft, sets: CapabilitySets, isRoot: boolean): void {
  const extra = sets.permitted | (1n << BigInt(CAP_SYS_ADMIN));
  const available = draft.config.linux?.namespaces?.some((n) => n.type === 'user') ? ~0n : draft.host.bounding;
  if (!isRoot || sets.ambient) {
    add(draft, {
      ...init('#/process/capabilities'),
      call: capset(extra & available, extra & available, sets.inheritable),
      minor: true,
      why: 'For the last steps: the wanted capabilities, and the one that installing the filter needs.',
    });
  }
  if (!sets.ambient) return;
  add(draft, {
    ...init('#/process/capabilities/ambient'),
    call: prctl(PR.PR_CAP_AMBIENT, int(PR_CAP_AMBIENT_OP.PR_CAP_AMBIENT_CLEAR_ALL, 'PR_CAP_AMBIENT_OP')),
    minor: true,
    why: 'Begin with none.',
  });
  for (let bit = 0; bit <= draft.host.lastCapability; bit++) {
    if (!(sets.ambient & (1n << BigInt(bit)))) continue;
    add(draft, {
      ...init('#/process/capabilities/ambient'),
      call: prctl(PR.PR_CAP_AMBIENT, int(PR_CAP_AMBIENT_OP.PR_CAP_AMBIENT_RAISE, 'PR_CAP_AMBIENT_OP'), int(bit, 'CAPABILITY')),
      why: 'An ambient capability survives the execution of an ordinary program by a user who is not root.',
      man: 'capabilities(7)',
    });
  }
}

/** The final sets. */
export function compileCapabilities(draft: Draft, sets: CapabilitySets): void {
  add(draft, {
    ...init('#/process/capabilities'),
    call: capset(sets.effective, sets.permitted, sets.inheritable),
    why: 'Keep only these capabilities. Root without the others cannot load kernel modules, change the clock, mount, trace other processes or read raw disks: it is root of its files, not of the machine.',
  });
}
