/** Paths below /proc and /sys that are hidden or made read-only: one kernel serves everybody. */
import { AT, MOUNT_ATTR, MS, OPEN_TREE } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { mount, mountSetattr, openTree, statx } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { isDevice } from './device-files.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';
import { forgetFolders, openInside, through } from './inside.ts';
import { attach } from './root.ts';
import { withMountLabel } from './selinux.ts';

const init = (from: string): Setting => ({ actor: 'init', chapter: 'root file system', from });

/** A path of procfs or sysfs that this kernel does not have needs no protection. */
const absent = (draft: Draft, path: string): boolean => draft.host.files[path] === 'missing' && /^\/(proc|sys)\//.test(path);

/** readonlyPaths: each is bound onto itself, read-only. */
export function compileReadonlyPaths(draft: Draft): void {
  draft.config.linux?.readonlyPaths?.forEach((path, i) => {
    if (absent(draft, path)) return;
    const setting = init(`#/linux/readonlyPaths/${i}`);
    const tree = fresh(draft, 'readonly');
    const place = openInside(draft, setting, path, { ignore: ['ENOENT'] });
    add(draft, {
      ...setting,
      call: openTree(ref(place), '', OPEN_TREE.OPEN_TREE_CLONE | AT.AT_RECURSIVE | AT.AT_EMPTY_PATH),
      saves: tree,
      ignore: ['EBADF'],
      minor: true,
      why: 'Take a copy of the mount at this path.',
    });
    if (kernelAtLeast(draft.host, 5, 12)) {
      add(draft, {
        ...setting,
        call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY, clear: 0 }),
        ignore: ['EBADF'],
        minor: true,
        why: 'Make the copy read-only.',
      });
    }
    add(draft, {
      ...setting,
      call: attach(tree, place),
      ignore: ['EBADF'],
      why: `Lay it over ${path}: what is written there changes the kernel for everybody, so the container may only read it.`,
    });
    if (!kernelAtLeast(draft.host, 5, 12)) {
      const keep = MS.MS_BIND | MS.MS_REMOUNT | MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC;
      add(draft, {
        ...setting,
        call: mount(null, through(tree), null, keep, null),
        ignore: ['EBADF', 'ENOENT'],
        minor: true,
        why: 'Make the bind mount read-only, by a second call before Linux 5.12.',
      });
    }
    closeResult(draft, setting, ref(tree), true);
    closeResult(draft, setting, ref(place), true);
    forgetFolders(draft, path);
  });
}

/**
 * maskedPaths: a file is covered by the null device, a folder by an empty read-only tmpfs. What a
 * path is decides at run time where the host's facts do not tell: the call that does not fit fails
 * with ENOTDIR and is passed over.
 */
export function compileMaskedPaths(draft: Draft): void {
  const paths = (draft.config.linux?.maskedPaths ?? []).map((path, i) => ({ path, setting: init(`#/linux/maskedPaths/${i}`) }));
  const present = paths.filter(({ path }) => !absent(draft, path));
  if (present.length === 0) return;
  const kindOf = (path: string) => (/^\/(proc|sys)\//.test(path) ? draft.host.files[path] : undefined);
  let nullDevice = '';
  const first = present.find(({ path }) => kindOf(path) !== 'dir');
  if (first) {
    const setting: Setting = { ...first.setting, from: '#/linux/maskedPaths' };
    nullDevice = openInside(draft, setting, '/dev/null', {
      why: "The null device, from which nothing can be read: the container's own, for changing the mode of what hides a path must not change the host's /dev/null.",
    });
    add(draft, {
      ...setting,
      call: statx(ref(nullDevice), '', AT.AT_EMPTY_PATH),
      minor: true,
      expect: isDevice('c', 1, 3, '/dev/null'),
      why: 'Make sure that it really is the null device: a link in its place would show the container what it should hide (CVE-2025-31133).',
    });
  }
  for (const { path, setting } of present) {
    const kind = kindOf(path);
    const place = openInside(draft, setting, path, { ignore: ['ENOENT', 'EACCES'] });
    if (kind !== 'dir') {
      const tree = fresh(draft, 'mask');
      add(draft, {
        ...setting,
        call: openTree(ref(nullDevice), '', OPEN_TREE.OPEN_TREE_CLONE | AT.AT_EMPTY_PATH),
        saves: tree,
        minor: true,
        why: 'A copy of the mount that it lies in, of this one file, for this path.',
      });
      if (kernelAtLeast(draft.host, 5, 12)) {
        add(draft, {
          ...setting,
          call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH, { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY, clear: 0 }),
          minor: true,
          why: 'Its mode and owner cannot be changed through this copy.',
        });
      }
      add(draft, {
        ...setting,
        call: attach(tree, place),
        ignore: kind ? ['EBADF'] : ['EBADF', 'ENOTDIR', 'EINVAL'],
        why: `Hide ${path} behind the null device: it tells too much about the host, or lets it be disturbed.`,
      });
      closeResult(draft, setting, ref(tree));
    }
    if (kind === 'dir' || kind === undefined) {
      add(draft, {
        ...setting,
        call: mount('tmpfs', through(place), 'tmpfs', MS.MS_RDONLY, withMountLabel(draft, 'tmpfs', 'size=0k')),
        ignore: ['ENOTDIR', 'ENOENT'],
        why: `Hide ${path} behind an empty folder.`,
      });
    }
    closeResult(draft, setting, ref(place), true);
  }
  if (first) closeResult(draft, first.setting, ref(nullDevice));
}
