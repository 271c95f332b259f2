/** The root without pivot_root: moved over `/`. */
import { MNT, MS } from '../../libc/flags.ts';
import { chdir, chroot, fchdir, mount, umount2 } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, type Draft, type Setting } from './draft.ts';
import { ROOT } from './inside.ts';
import { keepsLockedFlags } from './mount-attributes.ts';
import { compileRootPropagation } from './root.ts';

/**
 * `--no-pivot`, for a host whose root is the initramfs, which cannot be pivoted away: the rootfs is
 * moved over `/` and entered with chroot. The host's tree stays in the namespace, below it; a
 * privileged process finds the way there. What it must not find is a whole procfs or sysfs.
 * @throws Error with a private root, which needs the host's tree to be gone
 */
export function compileMoveRoot(draft: Draft): void {
  if (/private$/.test(draft.config.linux?.rootfsPropagation ?? ''))
    throw new Error('#/linux/rootfsPropagation: a private root is not safe without pivot_root; leave out --no-pivot, or the property');
  const setting: Setting = { actor: 'init', chapter: 'root file system', from: '#/root/path' };
  for (const point of draft.host.mounts?.kernelViews ?? []) {
    add(draft, {
      ...setting,
      call: mount(null, point, null, MS.MS_SLAVE | MS.MS_REC, null),
      ignore: ['ENOENT', 'EINVAL'],
      minor: true,
      why: 'The unmount that follows must not travel to the host.',
    });
    add(draft, {
      ...setting,
      call: umount2(point, MNT.MNT_DETACH),
      ignore: ['ENOENT', 'EINVAL', 'EPERM'],
      why: `Take away the host's ${point} in this namespace: while a whole one can be seen somewhere, the kernel lets the container mount another that nothing is hidden in.`,
    });
    if (keepsLockedFlags(draft))
      add(draft, {
        ...setting,
        call: mount('tmpfs', point, 'tmpfs', 0, null),
        ignore: ['ENOENT'],
        minor: true,
        why: 'A user namespace may not unmount what it got from the host; it may cover it.',
      });
  }
  add(draft, { ...setting, call: fchdir(ref(ROOT)), minor: true, why: 'Stand in the new root.' });
  add(draft, {
    ...setting,
    call: mount('.', '/', null, MS.MS_MOVE, null),
    why: 'Move the rootfs over /. Unlike pivot_root this works where the root is the initramfs, but the tree below is only covered.',
  });
  add(draft, { ...setting, call: chroot('.'), why: 'Let the paths of this process begin at the new root.' });
  add(draft, { ...setting, call: chdir('/'), minor: true, why: 'Stand in the new root.' });
  compileRootPropagation(draft);
}
