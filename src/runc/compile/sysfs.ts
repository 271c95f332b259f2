/** /sys where the kernel does not let sysfs be mounted. */
import { AT, MS } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { mountSetattr } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Mount } from '../spec/config.ts';
import type { MountOptions } from '../spec/mount-options.ts';
import { add, closeResult, type Draft, fresh, hasNamespace, isNew, type Setting } from './draft.ts';
import { mountAttributes } from './mount-attributes.ts';
import { attach, cloneTree } from './root.ts';

/**
 * sysfs shows the devices of a network namespace, so the kernel lets only those mount it whose user
 * namespace owns the network namespace. One that stays with the host's network, or is new while the
 * network is not, cannot: there the host's /sys is bound.
 */
export const mustBindSys = (draft: Draft, m: Mount): boolean =>
  m.type === 'sysfs' &&
  hasNamespace(draft.config, 'user') &&
  !isNew(draft.config, 'network') &&
  (isNew(draft.config, 'user') || !hasNamespace(draft.config, 'network'));

/** @param target the result that holds the folder */
export function compileSysBind(draft: Draft, setting: Setting, options: MountOptions, target: string): void {
  const tree = fresh(draft, 'sys');
  cloneTree(draft, setting, '/sys', true, tree);
  const { set } = mountAttributes(options.flags & ~MS.MS_RELATIME, 0);
  if (set && kernelAtLeast(draft.host, 5, 12))
    add(draft, {
      ...setting,
      call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, { set, clear: 0 }),
      minor: true,
      why: 'The restrictions that were asked for, on the cgroup file system and the others below it as well.',
    });
  add(draft, {
    ...setting,
    call: attach(tree, target),
    man: 'sysfs(5)',
    why: "Show the host's /sys. A sysfs of its own is refused (EPERM): it would show the devices of a network that does not belong to this user namespace.",
  });
  closeResult(draft, setting, ref(tree));
}
