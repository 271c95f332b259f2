/** Namespaces, each really made, by the unshare program in a process of its own. */
import { type Finding, missing, ok, vital, warning } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';

/** Option of unshare(1) and file of /proc/self/ns → what a container loses without it. */
const KINDS: [option: string, file: string, without: string][] = [
  ['mount', 'mnt', 'the container would see and change the files of the host'],
  ['pid', 'pid', 'the container would see the processes of the host; --pid host is the only choice'],
  ['uts', 'uts', 'no host name of its own: --hostname cannot work'],
  ['ipc', 'ipc', "shared memory and message queues would be the host's"],
  ['net', 'net', 'no network of its own: --network none cannot work, only --network host'],
  ['cgroup', 'cgroup', 'the container sees its whole cgroup path; --cgroupns private cannot work'],
  ['time', 'time', 'no clock offsets of its own (config.json linux.timeOffsets); nothing else uses them'],
];

const VITAL = new Set(['mount', 'pid']);

/** Settings of the kernel and of distributions that forbid user namespaces to ordinary users. */
function userNamespaceSettings(machine: Machine): Finding[] {
  const findings: Finding[] = [];
  const value = (path: string) => machine.read(`/proc/sys/${path}`).trim();
  const lost = 'ordinary users cannot run containers, and --userns cannot work';
  const most = value('user/max_user_namespaces');
  if (most === '0') {
    const name = 'user.max_user_namespaces';
    findings.push(missing(name, '0', lost, 'as root: sysctl -w user.max_user_namespaces=15000, and the same line below /etc/sysctl.d'));
  }
  if (machine.uid === 0) return findings;
  if (value('kernel/unprivileged_userns_clone') === '0')
    findings.push(missing('kernel.unprivileged_userns_clone', '0', lost, 'as root: sysctl -w kernel.unprivileged_userns_clone=1'));
  if (value('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    const mend =
      'give the program an AppArmor profile with "userns,", or as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0';
    findings.push(warning('kernel.apparmor_restrict_unprivileged_userns', '1', 'a new user namespace gives no privileges inside it', mend));
  }
  return findings;
}

export function namespaces(machine: Machine): Finding[] {
  const unshare = machine.find('unshare');
  const findings: Finding[] = [];
  /** An ordinary user makes the others inside a user namespace. */
  const base = machine.uid === 0 ? [] : ['--user', '--map-root-user'];
  const attempt = (...options: string[]) => (unshare ? machine.run(unshare, ...options, 'true') : undefined);

  const userWithout = machine.uid === 0 ? '--userns cannot work' : 'ordinary users cannot run containers: use sudo';
  const userTrouble = machine.hasNamespace('user') ? attempt('--user', '--map-root-user') : 'the kernel has none';
  const user = userTrouble === undefined ? ok('user namespaces', how(unshare)) : missing('user namespaces', userTrouble, userWithout);
  findings.push(machine.uid === 0 ? user : vital(user), ...userNamespaceSettings(machine));

  for (const [option, file, without] of KINDS) {
    const name = `${option} namespaces`;
    const trouble = machine.hasNamespace(file)
      ? attempt(...base, `--${option}`, ...(option === 'pid' ? ['--fork'] : []))
      : 'the kernel has none';
    const finding =
      trouble === undefined
        ? ok(name, how(unshare))
        : option === 'time'
          ? warning(name, trouble, without, 'Linux 5.6 or later')
          : missing(name, trouble, without, machine.uid === 0 ? 'root inside a container needs --privileged for this' : undefined);
    findings.push(VITAL.has(option) ? vital(finding) : finding);
  }
  return findings;
}

const how = (unshare: string | undefined): string => (unshare ? 'tried' : 'the kernel knows them (not tried: no unshare program)');
