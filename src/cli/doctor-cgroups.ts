/** Cgroups: which version, which controllers, and whether this user may use them. */
import { type Finding, missing, ok, warning } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';

/** Controller by its v2 name → [its v1 name, the options that need it]. */
const CONTROLLERS: Record<string, [v1: string, options: string]> = {
  memory: ['memory', '-m, --memory-swap'],
  cpu: ['cpu', '--cpus, --cpu-shares'],
  pids: ['pids', '--pids-limit'],
  cpuset: ['cpuset', '--cpuset-cpus'],
  io: ['blkio', 'block I/O limits in config.json'],
  hugetlb: ['hugetlb', 'huge page limits in config.json'],
};

/** BPF_PROG_LOAD is tried by the start itself; here the rules that decide about it are read. */
function devices(machine: Machine): Finding {
  const name = 'device rules';
  const { mode, v1 } = machine.cgroup;
  if (v1.devices) return ok(name, 'v1 devices controller');
  const without = 'which devices a container may open is decided by file permissions and the user namespace alone';
  if (mode === 'none') return missing(name, 'no cgroups', without);
  if (machine.uid !== 0) return warning(name, 'only root may load the eBPF program that v2 uses', without);
  const enabled = machine.syscall('bpf', 0xffff, 0, 0);
  return enabled === ENOSYS
    ? missing(name, 'the kernel has no eBPF', without, 'a kernel with CONFIG_CGROUP_BPF')
    : ok(name, 'v2, by an eBPF program');
}

const ENOSYS = -38;

/** Only v2 lets root hand a part of the tree to an ordinary user safely. */
function permissionMend(machine: Machine): string {
  if (machine.uid === 0)
    return 'the hierarchy is mounted read-only, as inside a container: start that one with a writable cgroup namespace';
  if (machine.cgroup.mode === 'v2') return 'start minirun below a delegated cgroup: systemd-run --user --scope -p Delegate=yes minirun …';
  return 'use sudo; or boot with systemd.unified_cgroup_hierarchy=1, as v1 cannot be delegated to ordinary users';
}

export function cgroups(machine: Machine): Finding[] {
  const { mode, v1, v2, v2Controllers, writable } = machine.cgroup;
  const mount = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup, as root; systemd does so by itself';
  if (mode === 'none')
    return [missing('hierarchy', 'none mounted', 'no limits (-m, --cpus, --pids-limit), no pause, no exact kill of all', mount)];
  const where = mode === 'v2' ? `v2 at ${v2}` : mode === 'hybrid' ? `hybrid: v1 controllers, v2 at ${v2}` : 'v1';
  const findings: Finding[] = [ok('hierarchy', where)];
  if (!writable) {
    const delegate = permissionMend(machine);
    findings.push(warning('permission', `${machine.user} may not make cgroups`, 'limits cannot be set', delegate));
  }
  for (const [name, [old, options]] of Object.entries(CONTROLLERS)) {
    const found = v1[old] ? `v1 at ${v1[old]}` : v2Controllers.includes(name) ? 'v2' : undefined;
    if (found) findings.push(ok(`controller ${name}`, found));
    else {
      const mend =
        name === 'memory'
          ? 'boot with cgroup_enable=memory; for ordinary users: systemd Delegate=yes'
          : 'a kernel with this controller; for ordinary users: systemd Delegate=yes';
      findings.push(warning(`controller ${name}`, 'not there', `no ${options}`, mend));
    }
  }
  const freezer = v1.freezer || machine.cgroup.mode === 'v2';
  findings.push(freezer ? ok('freezer', v1.freezer ? 'v1' : 'v2') : warning('freezer', 'not there', 'no pause'));
  findings.push(devices(machine));
  return findings;
}
