/** File systems in memory: their mode, what is copied into them, and when they become read-only. */
import { MS } from '../../libc/flags.ts';
import { dup3, mount, runProgram } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Mount } from '../spec/config.ts';
import type { MountOptions } from '../spec/mount-options.ts';
import { add, closeResult, type Draft, hasNamespace, type Setting, signal, wait } from './draft.ts';
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
 * cannot copy a tree, and init has no program at hand; so the runtime runs cp(1) of the host on
 * the two folders, which it reaches as descriptors of init in /proc.
 * @param covered the result that holds the image's folder
 * @param mounted the result that holds the root of the tmpfs
 */
export function compileCopyUp(draft: Draft, setting: Setting, m: Mount, covered: string, mounted: string): void {
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
  const place = (number: number, end: string) => ['/proc/', ref('init'), `/fd/${number}${end}`];
  add(draft, {
    ...runtime,
    call: runProgram(...asRootInside(draft), 'cp', '-a', place(FROM, '/.'), place(INTO, '/')),
    man: 'cp(1)',
    why: `Copy what the image has at ${m.destination} into memory: owners, modes and links as they are, and no link is followed.`,
  });
  signal(draft, runtime, `${token} done`, 'The copy is made.');
  wait(draft, setting, `${token} done`, 'Wait for the copy.');
  for (const number of [FROM, INTO])
    add(draft, {
      ...setting,
      call: { name: 'close', args: [{ kind: 'int', value: number, family: 'FD' }] },
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
