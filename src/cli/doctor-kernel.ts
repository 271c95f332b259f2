/** Features of the kernel, tried by calls that fail before they change anything: only ENOSYS means absent. */
import { kernelVersion } from '../runc/host/probe.ts';
import { type Finding, missing, ok, vital, warning } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';

const ENOSYS = -38;
const EINVAL = -22;
const NO_FD = -1;
const LAST_FD = 0xfffffffe;
const CLOSE_RANGE_CLOEXEC = 4;
const P_PIDFD = 3;

interface Probe {
  name: string;
  /** Since Linux version. */
  since: string;
  call: [name: string, ...args: number[]];
  /** Results that mean absent. */
  absent?: number[];
  without: string;
  vital?: boolean;
}

const PROBES: Probe[] = [
  {
    name: 'openat2',
    since: '5.6',
    call: ['openat2', NO_FD, 0, 0, 0],
    without: 'paths inside the rootfs cannot be resolved safely',
    vital: true,
  },
  {
    name: 'move_mount',
    since: '5.2',
    call: ['move_mount', NO_FD, 0, NO_FD, 0, 0],
    without: 'mounts cannot be put in place by descriptor',
    vital: true,
  },
  {
    name: 'mount_setattr',
    since: '5.12',
    call: ['mount_setattr', NO_FD, 0, 0, 0, 0],
    without: 'no recursive mount options (rro) and no id-mapped mounts',
  },
  {
    name: 'close_range with CLOEXEC',
    since: '5.11',
    call: ['close_range', LAST_FD, LAST_FD, CLOSE_RANGE_CLOEXEC],
    absent: [ENOSYS, EINVAL],
    without: 'descriptors must be closed one by one before the command (CVE-2024-21626)',
  },
  {
    name: 'pidfd',
    since: '5.3',
    call: ['pidfd_open', 0, 0],
    without: 'waiting for a container blocks, and a pid may be taken for another',
  },
  {
    name: 'waiting by pidfd',
    since: '5.4',
    call: ['waitid', P_PIDFD, NO_FD, 0, 0, 0],
    absent: [ENOSYS],
    without: 'waiting for a container blocks',
  },
];

function tried(machine: Machine): Finding[] {
  return PROBES.map((p) => {
    const result = machine.syscall(...p.call);
    const finding =
      result === undefined
        ? warning(p.name, 'not tried: koffi does not load', p.without)
        : (p.absent ?? [ENOSYS]).includes(result)
          ? missing(p.name, 'not in this kernel', p.without, `Linux ${p.since} or later`)
          : ok(p.name, 'tried');
    return p.vital && result !== undefined ? vital(finding) : finding;
  });
}

function memfd(machine: Machine): Finding {
  const name = 'executing a memfd';
  const trouble = machine.memfdTrouble();
  if (trouble === undefined) return ok(name, 'tried');
  const forbidden = machine.read('/proc/sys/vm/memfd_noexec').trim() === '2';
  const mend = forbidden ? 'as root: sysctl -w vm.memfd_noexec=1' : undefined;
  return missing(name, forbidden ? 'forbidden by vm.memfd_noexec=2' : trouble, 'the native engine cannot start; the ffi engine can', mend);
}

function seccomp(machine: Machine): Finding {
  const actions = machine.read('/proc/sys/kernel/seccomp/actions_avail').trim();
  if (actions) return ok('seccomp filters', actions);
  return missing(
    'seccomp filters',
    'not in this kernel',
    'system calls cannot be limited; use --security-opt seccomp=unconfined',
    'a kernel with CONFIG_SECCOMP_FILTER',
  );
}

function overlay(machine: Machine): Finding {
  if (/\toverlay$/m.test(machine.read('/proc/filesystems'))) return ok('overlayfs', 'loaded');
  // Mounting one would load the module, and doctor changes nothing.
  const modules = machine.read(`/lib/modules/${machine.release}/modules.dep`);
  if (/\/overlay\.ko/.test(modules)) return ok('overlayfs', 'a module, loaded when first used');
  return warning(
    'overlayfs',
    'not in this kernel',
    'images cannot share layers; a folder as rootfs works',
    'a kernel with CONFIG_OVERLAY_FS',
  );
}

export function kernel(machine: Machine): Finding[] {
  const [major, minor] = kernelVersion(machine.release);
  const old = major < 5 || (major === 5 && minor < 10);
  const version = old
    ? warning('Linux', machine.release, 'minirun is tested on 5.10 and later; what older ones lack is listed below')
    : ok('Linux', machine.release);
  return [version, ...tried(machine), memfd(machine), seccomp(machine), overlay(machine)];
}
