/** Kernel parameters that belong to one of the container's namespaces. */
import { O, RESOLVE } from '../../libc/flags.ts';
import { fstatfs, openat2, write } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { sysctlNamespace } from '../spec/rules.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';
import { openInside } from './inside.ts';
import { isProcfs } from './mount-target.ts';

/**
 * `net.ipv4.ip_forward` → `sys/net/ipv4/ip_forward`. Whichever of `.` and `/` comes first separates;
 * the other one belongs to the names, such as that of the interface `eth0.100` (sysctl(8)).
 */
export const sysctlPath = (name: string): string =>
  `sys/${/[./]/.exec(name)?.[0] === '.' ? name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : name}`;

/**
 * Writes linux.sysctl through a descriptor of the container's /proc that was checked to be a
 * procfs, with links and mounts on the way refused: a write meant for /proc must not end up
 * anywhere else (CVE-2025-52881).
 */
export function compileSysctls(draft: Draft): void {
  const sysctls = Object.entries(draft.config.linux?.sysctl ?? {});
  if (sysctls.length === 0) return;
  const setting: Setting = { actor: 'init', chapter: 'identity', from: '#/linux/sysctl' };
  const proc = openInside(draft, setting, '/proc', { flags: O.O_PATH | O.O_DIRECTORY, strict: true });
  add(draft, {
    ...setting,
    call: fstatfs(ref(proc)),
    minor: true,
    expect: isProcfs('What is mounted at /proc in the container is no procfs, so kernel parameters cannot be set there.'),
    why: 'Make sure that it is a procfs, not something that was mounted over it (CVE-2025-52881).',
  });
  for (const [name, value] of sysctls) {
    const one: Setting = { ...setting, from: `#/linux/sysctl/${name.replaceAll('/', '~1')}` };
    const type = sysctlNamespace(name);
    if (type && draft.host.mounts?.ownNamespaces?.includes(type))
      throw new Error(
        `${one.from}: the "${type}" namespace that the config names is the host's own, so ${name} would be changed for the host; name another, or leave the path out to get a new one`,
      );
    const file = fresh(draft, 'sysctl');
    add(draft, {
      ...one,
      call: openat2(
        ref(proc),
        sysctlPath(name),
        O.O_WRONLY | O.O_CLOEXEC,
        RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_XDEV | RESOLVE.RESOLVE_NO_SYMLINKS | RESOLVE.RESOLVE_NO_MAGICLINKS,
      ),
      saves: file,
      why: `Set the kernel parameter ${name}. It belongs to one of the new namespaces, so the host's value stays as it is.`,
      man: 'sysctl(8)',
    });
    add(draft, { ...one, call: write(ref(file), value), minor: true, why: 'Write the value.' });
    closeResult(draft, one, ref(file));
  }
  closeResult(draft, setting, ref(proc));
}
