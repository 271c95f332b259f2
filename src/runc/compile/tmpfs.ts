/** File systems in memory: their mode, what is copied into them, and when they become read-only. */
import { MS, O } from '../../libc/flags.ts';
import { AT_FDCWD } from '../program/args.ts';
import { close, dup3, fchmodat, mount, open, runProgram } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Mount } from '../spec/config.ts';
import type { MountOptions } from '../spec/mount-options.ts';
import { add, closeResult, type Draft, fresh, hasNamespace, type Setting, signal, wait } from './draft.ts';
import { setgroupsDenied } from './idmap.ts';
import { through } from './inside.ts';

/**
 * The options for the file system. Without a `mode=` it gets the permissions of the folder that it
 * covers, as in runc and crun: /tmp stays 1777, a closed folder stays closed.
 */
export function tmpfsData(draft: Draft, m: Mount, options: MountOptions): string {
  const mode = draft.host.mounts?.modes[m.destination];
  if (mode === undefined || /(^|,)mode=/.test(options.data)) return options.data;
  return [`mode=${mode.toString(8)}`, options.data].filter(Boolean).join(',');
}

/** Numbers under which init holds both folders, so that the runtime can name them: well above those that a container keeps. */
const FROM = 400;
const INTO = 401;

/**
 * `tmpcopyup`: the new file system begins with what the image has at its place. System calls alone
 * cannot copy a tree, and init has no program at hand; so the runtime opens both folders, as
 * descriptors of init in /proc, and runs cp(1) of the host on them.
 * @param data the mount's options for the file system
 * @param covered the result that holds the image's folder
 * @param mounted the result that holds the root of the tmpfs
 */
export function compileCopyUp(draft: Draft, setting: Setting, m: Mount, data: string, covered: string, mounted: string): void {
  const runtime: Setting = { ...setting, actor: 'runtime' };
  const token = `copy ${setting.from}`;
  for (const [name, number] of [
    [covered, FROM],
    [mounted, INTO],
  ] as const)
    add(draft, {
      ...setting,
      call: dup3(ref(name), number),
      minor: true,
      why: 'Under a number of its own, so that the runtime can name it: /proc/PID/fd shows it to those who may look.',
    });
  signal(draft, setting, token, `The folder that ${m.destination} covers and the new file system are open: the runtime may copy.`);
  wait(draft, runtime, token, 'Wait until init holds both folders.');
  const opened = [FROM, INTO].map((number) => {
    const name = fresh(draft, 'folder');
    add(draft, {
      ...runtime,
      // Without O_CLOEXEC: cp inherits it.
      call: open(['/proc/', ref('init'), `/fd/${number}`], O.O_PATH | O.O_DIRECTORY),
      saves: name,
      minor: true,
      why: 'The same folder, whatever is mounted over its path: the links in /proc/PID/fd lead to the open file itself.',
    });
    return name;
  });
  const [from, into] = opened as [string, string];
  add(draft, {
    ...runtime,
    call: runProgram(...asRootInside(draft), 'cp', '-a', ['/proc/self/fd/', ref(from), '/.'], ['/proc/self/fd/', ref(into), '/']),
    man: 'cp(1)',
    why: `Copy what the image has at ${m.destination} into memory: owners, modes and links as they are, and no link is followed.`,
  });
  for (const name of opened) closeResult(draft, runtime, ref(name));
  signal(draft, runtime, `${token} done`, 'The copy is made.');
  wait(draft, setting, `${token} done`, 'Wait for the copy.');
  const mode = /(?:^|,)mode=([0-7]+)/.exec(data)?.[1];
  if (mode !== undefined)
    add(draft, {
      ...setting,
      call: fchmodat(AT_FDCWD, `/proc/self/fd/${INTO}`, Number.parseInt(mode, 8)),
      minor: true,
      why: 'The copy brought the mode of the folder along; the one that is asked for counts.',
    });
  for (const number of [FROM, INTO])
    add(draft, {
      ...setting,
      call: close(number),
      minor: true,
      why: 'Not needed any more.',
    });
}

/** In a user namespace only its root may write for all of its users; nsenter(1) makes cp that. */
function asRootInside(draft: Draft): Parameters<typeof runProgram> {
  // With one id mapped all files are the user's own.
  if (!hasNamespace(draft.config, 'user') || setgroupsDenied(draft)) return [];
  return ['nsenter', ['--user=/proc/', ref('init'), '/ns/user'], '--setuid', '0', '--setgid', '0', '--'];
}

/** Mounts that become read-only when everything is in place: devices are made in /dev, other mounts lie in a tmpfs. */
export const becomesReadonlyLater = (m: Mount, options: MountOptions, isDev: boolean): boolean =>
  (options.flags & MS.MS_RDONLY) !== 0 && (options.flags & MS.MS_REMOUNT) === 0 && (isDev || m.type === 'tmpfs');

/** @param mounted the result that holds the root of the mount */
export function compileReadonlyNow(draft: Draft, setting: Setting, m: Mount, mounted: string, flags: number): void {
  add(draft, {
    ...setting,
    call: mount(null, through(mounted), null, flags | MS.MS_REMOUNT | MS.MS_BIND, null),
    why: `Everything is in place: ${m.destination} becomes read-only, as it was asked for.`,
  });
  closeResult(draft, setting, ref(mounted));
}
