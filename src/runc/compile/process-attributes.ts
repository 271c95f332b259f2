/** Files below /proc/self/attr: what a process tells a security module of the kernel (proc_pid_attr(5)). */
import { O, RESOLVE } from '../../libc/flags.ts';
import { AT_FDCWD } from '../program/args.ts';
import { fstatfs, openat2, write } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';

const PROC_SUPER_MAGIC = 0x9fa0n;
const MAN = 'proc_pid_attr(5)';

/**
 * Init writes one of its own attributes. The image, or who was in the container before, may have
 * put something else in the file's place, so that the label would go nowhere and the command run
 * without it: /proc must be a procfs (CVE-2019-16884), and nothing mounted inside it is followed
 * (CVE-2025-52881).
 * @param file below attr/: `exec`, `apparmor/exec`
 */
export function writeAttribute(draft: Draft, setting: Setting, file: string, value: string, why: string): void {
  const proc = fresh(draft, 'proc');
  add(draft, {
    ...setting,
    call: openat2(AT_FDCWD, '/proc', O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC, RESOLVE.RESOLVE_NO_SYMLINKS),
    saves: proc,
    minor: true,
    why: 'The attributes of a process are files in its folder of /proc.',
  });
  add(draft, {
    ...setting,
    call: fstatfs(ref(proc)),
    minor: true,
    expect: [
      {
        arg: 1,
        offset: 0,
        size: 8,
        mask: 0xffffffffn,
        equals: PROC_SUPER_MAGIC,
        otherwise: 'What is mounted at /proc in the container is no procfs, so the label could not reach the kernel (CVE-2019-16884).',
      },
    ],
    why: 'Make sure that it is a procfs: a file of the image would take the label and do nothing with it (CVE-2019-16884).',
  });
  const attribute = fresh(draft, 'attribute');
  add(draft, {
    ...setting,
    call: openat2(
      ref(proc),
      `thread-self/attr/${file}`,
      O.O_WRONLY | O.O_CLOEXEC,
      RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_XDEV | RESOLVE.RESOLVE_NO_MAGICLINKS,
    ),
    saves: attribute,
    man: MAN,
    minor: true,
    why: 'Open the attribute of this very thread. A mount on the way is refused: it could be another file of /proc (CVE-2025-52881).',
  });
  add(draft, { ...setting, call: write(ref(attribute), value), man: MAN, why });
  closeResult(draft, setting, ref(attribute));
  closeResult(draft, setting, ref(proc));
}
