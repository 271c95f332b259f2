/**
 * Why a step failed, in words: for each call and errno what it usually is on a real machine, and
 * what to do. The first row that fits is told, so the particular ones stand before the general.
 * Sources: the ERRORS sections of the manual pages, the kernel's permission checks.
 */
import type { Step } from '../runc/program/step.ts';

export interface Cause {
  /** Names of calls; `*` is any. */
  calls: string;
  /** errno names. */
  codes: string;
  /** A further condition on the step. */
  when?: (step: Step) => boolean;
  /** One or two sentences: what it usually is. */
  cause: string;
  /** What the person can do. */
  remedy: string;
}

const from =
  (pattern: RegExp) =>
  (step: Step): boolean =>
    pattern.test(step.from);
const textOf = (step: Step, index: number): string => {
  const arg = step.call.args[index];
  return arg?.kind === 'text' ? arg.parts.filter((part) => typeof part === 'string').join('') : '';
};
const flagsOf = (step: Step, index: number): bigint => {
  const arg = step.call.args[index];
  return arg?.kind === 'int' ? BigInt(arg.value) : 0n;
};
const CLONE_NEWUSER = 0x10000000n;
const MS_BIND = 4096n;
const MS_REMOUNT = 32n;
const makesUserNamespace = (step: Step): boolean => (flagsOf(step, 0) & CLONE_NEWUSER) !== 0n;
const mounts = (type: string) => (step: Step) => textOf(step, 2) === type;
const binds = (step: Step): boolean => (flagsOf(step, 3) & MS_BIND) !== 0n;
const remounts = (step: Step): boolean => (flagsOf(step, 3) & MS_REMOUNT) !== 0n;
const AT_RECURSIVE = 0x8000n;
const MOUNT_ATTR_IDMAP = 0x100000n;
const mapsIds = (step: Step): boolean => {
  const attr = step.call.args[3];
  const set = attr?.kind === 'struct' ? attr.fields.find((f) => f.name === 'attr_set')?.value : undefined;
  return set?.kind === 'int' && (BigInt(set.value) & MOUNT_ATTR_IDMAP) !== 0n;
};
const inCgroup = (step: Step): boolean => step.chapter === 'cgroup';
const limits = (name: string) => from(new RegExp(`^#/linux/resources/${name}`));

export const CAUSES: readonly Cause[] = [
  // Namespaces
  {
    calls: 'clone clone3 unshare',
    codes: 'EPERM',
    when: makesUserNamespace,
    cause:
      "This machine does not let this user make a user namespace. Ubuntu 23.10 and later restrict it with AppArmor, some kernels by a sysctl, and a seccomp filter around you (Docker's, for one) forbids it too.",
    remedy:
      'run as root, or allow it: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), sysctl kernel.unprivileged_userns_clone=1 (older Debian). `minirun doctor` says which it is.',
  },
  {
    calls: 'clone clone3 unshare setns',
    codes: 'EPERM',
    cause:
      'Making or joining a namespace takes CAP_SYS_ADMIN in the user namespace that owns it, and this process has not got it: it is not root, or it runs inside a container that took the capability away.',
    remedy: 'run as root, or let minirun make a user namespace (leave out --userns host).',
  },
  {
    calls: 'clone clone3 unshare',
    codes: 'ENOSPC EUSERS',
    cause:
      'The limit of namespaces is reached: either their number for this user, or the depth of 32 that user and pid namespaces may be nested.',
    remedy: 'look at the numbers in /proc/sys/user/max_*_namespaces; 0 there switches that kind off.',
  },
  {
    calls: 'clone clone3',
    codes: 'EAGAIN ENOMEM',
    cause:
      'No further process may be made: the limit of processes of this user (ulimit -u) or of the cgroup that minirun runs in (pids.max) is reached, or there is no memory.',
    remedy: "end processes, or raise that limit; a container's own limit is --pids-limit.",
  },
  {
    calls: 'clone clone3 unshare setns',
    codes: 'EINVAL',
    cause:
      'This kernel was built without that kind of namespace, or the process may not enter it: one with several threads, as Node is, cannot change its user namespace, nor enter the one that it is in already.',
    remedy: 'use --engine native; see with `minirun doctor` which namespaces the kernel has.',
  },
  {
    calls: 'openat',
    codes: 'ENOENT ESRCH',
    when: from(/^#\/linux\/namespaces/),
    cause: 'The namespace to join does not exist (any more): the container or process that owned it has ended.',
    remedy: 'start that one first, and look with `minirun ps` whether it still runs.',
  },
  // Users
  {
    calls: 'write',
    codes: 'EPERM',
    when: from(/^#\/linux\/[ug]idMappings/),
    cause: 'The kernel refuses this id map: an ordinary user may map its own id only, and a map can be written once.',
    remedy: 'install uidmap (Debian: apt install uidmap) and give the user a range in /etc/subuid and /etc/subgid.',
  },
  {
    calls: 'write',
    codes: 'EINVAL',
    when: from(/^#\/linux\/[ug]idMappings/),
    cause: 'The id map is not valid: its ranges overlap, are empty, or it has more than 340 lines.',
    remedy: 'correct uidMappings and gidMappings.',
  },
  {
    calls: 'posix_spawn',
    codes: 'ENOENT',
    cause: 'The helper program is not installed.',
    remedy: 'install it (newuidmap and newgidmap: apt install uidmap).',
  },
  {
    calls: 'posix_spawn',
    codes: 'EPERM',
    cause:
      'The helper program refused. newuidmap and newgidmap do so when /etc/subuid or /etc/subgid gives this user no range that holds the ids, or when they are not set-uid root.',
    remedy: 'add a range: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER.',
  },
  {
    calls: 'setgroups',
    codes: 'EPERM',
    cause: 'In a user namespace with a single mapped group the kernel denies setgroups for good.',
    remedy: 'leave out the additional groups, or map a range of groups (/etc/subgid).',
  },
  {
    calls: 'setresuid setresgid fchown fchownat setgroups',
    codes: 'EINVAL',
    cause: "That id is not mapped in the container's user namespace, so nobody can be it.",
    remedy: 'use an id inside the mapped range, or map more ids (/etc/subuid, /etc/subgid).',
  },
  {
    calls: 'setresuid',
    codes: 'EAGAIN',
    cause: 'That user has its number of processes already (RLIMIT_NPROC).',
    remedy: 'raise --ulimit nproc.',
  },
  // Cgroups
  {
    calls: 'mkdirat openat write',
    codes: 'EACCES EPERM EROFS',
    when: inCgroup,
    cause:
      'This user may not change that cgroup: it belongs to root or was not delegated, or /sys/fs/cgroup is mounted read-only (so it is inside most containers).',
    remedy:
      'run as root, or start minirun with a cgroup of its own: systemd-run --user --scope -p Delegate=yes minirun …; without limits a cgroup is not needed.',
  },
  {
    calls: 'openat',
    codes: 'ENOENT',
    when: (step) => inCgroup(step) && /memsw|memory\.swap/.test(textOf(step, 1)),
    cause: 'The kernel does not count swap.',
    remedy: 'leave out --memory-swap, or boot with swapaccount=1.',
  },
  {
    calls: 'openat',
    codes: 'ENOENT',
    when: inCgroup,
    cause:
      'The cgroup has no such file: the controller is not enabled for it (cgroup.subtree_control of its parent), or the kernel was built without it.',
    remedy: 'leave out the option that asks for it; `minirun doctor` lists the controllers.',
  },
  {
    calls: 'write',
    codes: 'EBUSY',
    when: limits('memory'),
    cause: 'The new limit is below what is in use now, and the kernel could not free enough of it.',
    remedy: 'use a higher limit.',
  },
  {
    calls: 'write',
    codes: 'EBUSY',
    when: inCgroup,
    cause:
      'In cgroup v2 a group that has processes cannot hand controllers on to groups below it, and one that hands them on takes no processes.',
    remedy: 'choose another place with --cgroup-parent.',
  },
  {
    calls: 'write',
    codes: 'EINVAL',
    when: limits('memory'),
    cause: 'The kernel refuses this amount: it is too small, not a number of bytes, or swap is set lower than memory.',
    remedy: 'use at least 6m, and a --memory-swap that is not less than --memory.',
  },
  {
    calls: 'write',
    codes: 'EINVAL ERANGE ENODEV EACCES',
    when: limits('cpu'),
    cause:
      'The kernel refuses this value: a processor that does not exist or that the parent group may not use, a quota below 1 ms, or real-time time that the parent has not got.',
    remedy: "compare with the parent group's file of the same name, and with nproc.",
  },
  {
    calls: 'write',
    codes: 'ENOSPC',
    when: inCgroup,
    cause: 'The cpuset of this group is empty: in cgroup v1, cpuset.cpus and cpuset.mems must be set before a process can enter.',
    remedy: 'set --cpuset-cpus and --cpuset-mems, or set them in the parent group.',
  },
  {
    calls: 'write',
    codes: 'ENODEV EOPNOTSUPP',
    when: limits('(io|blockIO)'),
    cause: 'There is no such disk, it is a partition (limits are for whole disks), or its scheduler knows no weights.',
    remedy: 'use the numbers of the whole disk from lsblk; weights need the bfq scheduler.',
  },
  {
    calls: 'write',
    codes: 'EAGAIN',
    when: inCgroup,
    cause: 'The cgroup has its number of processes already (pids.max).',
    remedy: 'raise --pids-limit.',
  },
  {
    calls: 'write',
    codes: 'ESRCH',
    when: inCgroup,
    cause: 'The process has ended before it could be moved.',
    remedy: 'look into the kernel log (dmesg) for what killed it.',
  },
  {
    calls: 'bpf',
    codes: 'EPERM EACCES',
    cause:
      'Device rules of cgroup v2 are a small program in the kernel, and loading one takes CAP_BPF or CAP_SYS_ADMIN outside of any user namespace.',
    remedy: 'run as root. Rootless containers need no device rules: they cannot make device files.',
  },
  // Mounts
  {
    calls: 'mount',
    codes: 'EPERM',
    when: mounts('proc'),
    cause:
      'A user namespace may mount a new /proc only where the /proc outside is fully visible. Here parts of it are covered by other mounts, as they are inside a Docker or podman container.',
    remedy:
      'start the outer container with --security-opt systempaths=unconfined (podman: unmask=ALL), or use --pid host so that the outer /proc is bound.',
  },
  {
    calls: 'mount',
    codes: 'EPERM EACCES',
    when: mounts('sysfs'),
    cause: 'A new sysfs needs a network namespace of the same user namespace, and an outer /sys that is fully visible.',
    remedy: 'give the container its own network (leave out --network host), or bind /sys read-only.',
  },
  {
    calls: 'mount_setattr',
    codes: 'EINVAL',
    when: mapsIds,
    cause:
      'The file system of the source cannot map the owners of its files: overlay, procfs, sysfs and most network file systems never can, tmpfs from Linux 6.3 on, others when their driver says so. Or the source is mapped already.',
    remedy: 'take a source on ext4, xfs or btrfs (findmnt -T SOURCE shows what it is on), or leave out idmap, ridmap and the mappings.',
  },
  {
    calls: 'mount_setattr',
    codes: 'EPERM',
    when: mapsIds,
    cause:
      "Only root of the host may map the owners of files for a mount, because a file of root could become anybody's; the maps must also be those of another user namespace than the host's.",
    remedy: 'run as root of the host, not in a container, or leave out idmap, ridmap and the mappings.',
  },
  {
    calls: 'open_tree',
    codes: 'EINVAL',
    when: (step) => (flagsOf(step, 2) & AT_RECURSIVE) === 0n && textOf(step, 1) !== '',
    cause:
      'In a user namespace a folder cannot be bound without the mounts below it, because what they hide would be seen; or the source is an unbindable mount.',
    remedy: 'write rbind instead of bind.',
  },
  {
    calls: 'mount mount_setattr',
    codes: 'EPERM',
    when: (step) => step.call.name === 'mount_setattr' || remounts(step),
    cause:
      'Inside a user namespace restrictions that a mount has outside (nosuid, nodev, noexec, ro, atime modes) are locked: a copy may add to them and take none away.',
    remedy: 'give this mount the options that its source has; findmnt -T SOURCE shows them.',
  },
  {
    calls: 'mount open_tree',
    codes: 'EACCES',
    when: (step) => step.call.name === 'open_tree' || binds(step),
    cause:
      "The source cannot be reached by the user that the container's root is mapped to: a folder above it lacks the x permission for others (home folders often do).",
    remedy: 'chmod o+x the folders above it, or move it to a place such as /srv; namei -l PATH shows which folder.',
  },
  {
    calls: 'mount',
    codes: 'EACCES',
    cause: 'The source lies on a file system mounted nodev, or the device is read-only.',
    remedy: 'mount it read-only (ro), or use another source.',
  },
  {
    calls: 'mount open_tree',
    codes: 'ENOENT',
    cause: 'The source of the mount does not exist, or its target is missing in the image and could not be made.',
    remedy: 'make the source first (mkdir -p), and look for a typing error in -v or --mount.',
  },
  {
    calls: 'mount fsopen',
    codes: 'ENODEV',
    cause: 'The kernel does not know this type of file system.',
    remedy: 'load its module (modprobe TYPE); /proc/filesystems lists what is known.',
  },
  {
    calls: 'mount move_mount',
    codes: 'ENOTDIR',
    cause: 'A folder cannot be mounted on a file, nor a file on a folder.',
    remedy: 'make source and target the same kind.',
  },
  {
    // Docker looks for the words "not a directory" to add its own hint.
    calls: 'move_mount',
    codes: 'EINVAL',
    cause: 'A folder cannot be mounted on a file, nor a file on a folder: one of the two is not a directory.',
    remedy: 'see that the source exists and is what it should be: a file for a file, a folder for a folder.',
  },
  {
    calls: 'mount',
    codes: 'EINVAL',
    when: binds,
    cause:
      'The source is no mount point of this mount namespace, is marked unbindable, or is bound without what is mounted below it, which a user namespace may not uncover.',
    remedy: 'bind it recursively (rbind).',
  },
  {
    calls: 'mount',
    codes: 'EINVAL',
    cause: 'The file system does not understand one of the options.',
    remedy: "compare the options with mount(8); the kernel's own words are in dmesg.",
  },
  {
    calls: 'mount pivot_root',
    codes: 'EBUSY',
    cause: 'The place is in use: it is mounted already, or it is the current root.',
    remedy: 'choose another target.',
  },
  {
    calls: 'pivot_root',
    codes: 'EINVAL',
    cause: 'The rootfs is no mount point, its parent mount is shared, or the host runs from an initramfs, whose root cannot be exchanged.',
    remedy: 'on an initramfs (a rescue system, some test machines) bind or switch_root to a real file system first.',
  },
  {
    calls: 'open_tree mount_setattr',
    codes: 'ENOSYS EINVAL',
    cause:
      'The kernel is too old for this call (mount_setattr needs Linux 5.12, open_tree and move_mount 5.2), or a seccomp filter around minirun hides it.',
    remedy: 'see uname -r; inside Docker, use its --security-opt seccomp=unconfined.',
  },
  {
    calls: '*',
    codes: 'EPERM',
    when: (step) => ['mount', 'umount2', 'move_mount', 'open_tree', 'pivot_root'].includes(step.call.name),
    cause:
      'Changing mounts takes CAP_SYS_ADMIN in the user namespace that owns the mount namespace. Inside another container AppArmor or SELinux may forbid it as well.',
    remedy: 'run as root, or with a new user namespace; the kernel log (dmesg) names a refusal by AppArmor.',
  },
  // Files in the rootfs
  {
    calls: 'mkdirat mknodat symlinkat openat openat2 fchmodat',
    codes: 'EROFS',
    cause: 'The root file system is read-only, so the place to mount on (or the file) cannot be made in it.',
    remedy: 'make the folder in the image beforehand, or mount below a place that exists.',
  },
  {
    calls: 'mknodat',
    codes: 'EPERM',
    cause: 'Device files cannot be made inside a user namespace, nor without CAP_MKNOD.',
    remedy: "run as root, or bind the host's device (--device).",
  },
  {
    calls: 'mkdirat mknodat symlinkat openat openat2 mount',
    codes: 'EACCES',
    when: (step) => step.chapter !== 'cgroup',
    cause: "The rootfs, or a folder above it, is closed to the user that the container's root is mapped to.",
    remedy:
      'chmod o+x the folders above the rootfs (namei -l PATH shows which), or move it to a place such as /srv; its files must belong to the mapped ids.',
  },
  {
    calls: 'openat2',
    codes: 'ELOOP',
    cause: 'There is a symbolic link on the way, in a place where one would let the image redirect the mount.',
    remedy: 'replace the link by a real folder in the image.',
  },
  {
    calls: 'openat2',
    codes: 'EXDEV EAGAIN',
    cause: 'The path would leave the rootfs, or something renamed folders in it at this very moment.',
    remedy: 'look what else works in this rootfs, then try again.',
  },
  {
    calls: 'openat2 openat',
    codes: 'ENOTDIR',
    cause: 'A part of the path is a file where a folder is needed.',
    remedy: 'correct the image, or choose another target.',
  },
  {
    calls: 'openat write',
    codes: 'ENOENT',
    when: from(/^#\/linux\/sysctl/),
    cause: 'There is no such sysctl in this kernel or in this namespace; some appear only when a module is loaded.',
    remedy: 'look for the name below /proc/sys.',
  },
  {
    calls: 'openat write',
    codes: 'EACCES EPERM EROFS',
    when: from(/^#\/linux\/sysctl/),
    cause: 'This sysctl belongs to the whole machine, or to a namespace that the container does not own.',
    remedy: 'set it on the host, or give the container its own network or IPC namespace.',
  },
  {
    calls: 'write',
    codes: 'EINVAL',
    when: from(/^#\/linux\/sysctl/),
    cause: 'The kernel refuses the value.',
    remedy: 'compare with what is in the file on the host: sysctl NAME.',
  },
  {
    calls: 'write',
    codes: 'EACCES EPERM',
    when: from(/oomScoreAdj/),
    cause: 'Making a process less likely to be killed takes CAP_SYS_RESOURCE; only raising the number is free.',
    remedy: 'use a number that is not below the one in /proc/self/oom_score_adj.',
  },
  // Privileges
  {
    calls: 'prlimit',
    codes: 'EPERM',
    cause: 'A hard limit can be raised only with CAP_SYS_RESOURCE, and nofile not above /proc/sys/fs/nr_open.',
    remedy: 'ask for no more than ulimit -H -a shows.',
  },
  {
    calls: 'prlimit',
    codes: 'EINVAL',
    cause: 'The soft limit is above the hard one.',
    remedy: 'write --ulimit NAME=SOFT:HARD with SOFT not above HARD.',
  },
  {
    calls: 'prctl capset',
    codes: 'EPERM',
    cause: 'The container asks for capabilities that minirun has not got itself, or may not change its own sets (CAP_SETPCAP).',
    remedy: "leave them out of --cap-add; capsh --print shows the caller's.",
  },
  {
    calls: 'prctl',
    codes: 'EINVAL',
    cause: 'This kernel does not know the capability or the option.',
    remedy: 'compare with /proc/sys/kernel/cap_last_cap.',
  },
  {
    calls: 'seccomp',
    codes: 'EINVAL',
    cause: 'The filter is longer than 4096 instructions, or uses a flag or action that this kernel has not got.',
    remedy: 'use a smaller profile, or --security-opt seccomp=unconfined to see whether it is that.',
  },
  {
    calls: 'seccomp',
    codes: 'EACCES',
    cause: 'A filter may be loaded by a process with CAP_SYS_ADMIN or with no_new_privs.',
    remedy: 'add --security-opt no-new-privileges.',
  },
  {
    calls: 'write',
    codes: 'ENOENT',
    when: from(/^#\/process\/apparmorProfile/),
    cause: 'AppArmor failed to apply profile: the kernel has no profile of that name.',
    remedy: 'load it (apparmor_parser -r FILE); aa-status lists those that are loaded.',
  },
  {
    calls: 'write',
    codes: 'EINVAL EACCES',
    when: from(/^#\/process\/selinuxLabel/),
    cause: 'The policy of this machine has no such SELinux label, or does not let this process change to it.',
    remedy: 'ausearch -m AVC -ts recent tells what was denied; seinfo -t lists the types.',
  },
  {
    calls: 'openat2',
    codes: 'ENOENT EXDEV ELOOP',
    when: from(/^#\/process\/(apparmorProfile|selinuxLabel)/),
    cause: 'The container has no /proc, or something else is mounted in it where the label has to be written (CVE-2025-52881).',
    remedy: 'mount proc at /proc, and nothing over its files.',
  },
  {
    calls: 'mkdirat write openat',
    codes: 'ENOSPC EINVAL',
    when: from(/^#\/linux\/intelRdt/),
    cause: 'The processor has no class of service left (ENOSPC), or the schemata ask for shares that it cannot give.',
    remedy: 'read info/last_cmd_status in resctrl; info/L3/num_closids is the number of classes.',
  },
  {
    calls: 'sched_setattr',
    codes: 'EPERM',
    when: from(/^#\/process\/scheduler/),
    cause:
      "SCHED_DEADLINE wants all processors of the machine: the process scheduler can't be used together with AllowedCPUs (#/linux/resources/cpu/cpus). Other real-time policies need CAP_SYS_NICE.",
    remedy: 'leave out one of the two.',
  },
  {
    calls: 'set_mempolicy',
    codes: 'EINVAL',
    when: from(/^#\/linux\/memoryPolicy/),
    cause:
      'A node that the machine does not have, or that the cpuset of the cgroup does not allow; or the kernel is too old for the mode or the flags.',
    remedy: 'numactl --hardware lists the nodes; Linux 5.15 has MPOL_PREFERRED_MANY, 6.9 has MPOL_WEIGHTED_INTERLEAVE.',
  },
  {
    calls: 'sendmsg sendmmsg',
    codes: 'EPIPE ECONNRESET ENOTCONN',
    when: from(/^#\/linux\/seccomp\/listenerPath/),
    cause: 'The seccomp agent has closed the connection, or has ended, before it took the listener.',
    remedy: 'look at its log, and start it again.',
  },
  {
    calls: 'sched_setattr ioprio_set sched_setaffinity set_mempolicy',
    codes: 'EPERM',
    cause: 'Real-time scheduling and higher priorities take CAP_SYS_NICE.',
    remedy: 'run as root, or leave the option out.',
  },
  { calls: 'sethostname setdomainname', codes: 'EINVAL', cause: 'The name is longer than 64 bytes.', remedy: 'use a shorter --hostname.' },
  {
    calls: 'keyctl',
    codes: 'EDQUOT',
    cause: 'This user has its number of kernel keys already.',
    remedy: 'raise /proc/sys/kernel/keys/maxkeys.',
  },
  // The command
  {
    calls: 'chdir',
    codes: 'ENOENT ENOTDIR',
    cause: 'There is no such folder in the container.',
    remedy: 'correct -w, or make the folder in the image.',
  },
  {
    calls: 'chdir',
    codes: 'EACCES',
    cause: 'The user of the command may not enter this folder.',
    remedy: "use another -w, another -u, or change the folder's permissions.",
  },
  {
    calls: 'execve',
    codes: 'ENOENT',
    cause:
      'The command is not in the container. If the file is there, what it needs is not: the interpreter in its first line (#!), or for a dynamically linked program its loader (ld-linux or ld-musl).',
    remedy: 'look into the rootfs for the path, and with file(1) or readelf -l for the loader.',
  },
  {
    calls: 'execve',
    codes: 'ENOEXEC',
    cause:
      'The file is no program for this machine: it was built for another processor, or it is a script without a first line such as #!/bin/sh.',
    remedy: 'compare file COMMAND with uname -m; start a script as sh SCRIPT.',
  },
  {
    calls: 'execve',
    codes: 'EACCES',
    cause:
      'The file is not executable for this user (chmod +x), is a folder, lies on a file system mounted noexec, or a folder above it is closed to the user.',
    remedy: 'look at it with ls -l in the rootfs; for volumes, at the mount options.',
  },
  {
    calls: 'execve',
    codes: 'EPERM',
    cause: 'A security module or the seccomp filter forbids to execute this file.',
    remedy: 'look into the kernel log (dmesg).',
  },
  {
    calls: 'execve',
    codes: 'E2BIG',
    cause: 'Arguments and environment together are too long, or one string is longer than 128 KiB.',
    remedy: 'pass less, or pass it in a file.',
  },
  {
    calls: 'execve',
    codes: 'ETXTBSY',
    cause: 'Somebody has the program open for writing.',
    remedy: 'wait until that has ended (fuser -v FILE).',
  },
  // Whatever the call
  {
    calls: '*',
    codes: 'EPERM',
    cause: 'The process lacks the privilege (mostly CAP_SYS_ADMIN), or a security module forbids the call.',
    remedy: 'run as root; dmesg names refusals by AppArmor and SELinux.',
  },
  {
    calls: '*',
    codes: 'EACCES',
    cause: 'The permissions of the file, or of a folder above it, do not allow it.',
    remedy: 'namei -l PATH shows the permissions on the way.',
  },
  {
    calls: '*',
    codes: 'ENOENT',
    cause: 'A file or folder that the call names does not exist.',
    remedy: 'compare the path with what is there.',
  },
  {
    calls: '*',
    codes: 'ENOSPC EDQUOT',
    cause: 'The disk is full, has no more inodes, or a limit of the kernel is reached.',
    remedy: 'df -h and df -i show the first two.',
  },
  { calls: '*', codes: 'EROFS', cause: 'The file system is mounted read-only.', remedy: 'findmnt -T PATH shows the options.' },
  { calls: '*', codes: 'ENOMEM', cause: 'There is no memory left, for the machine or for the cgroup.', remedy: 'raise -m, or free some.' },
  {
    calls: '*',
    codes: 'ENOSYS',
    cause: 'The kernel is too old for this call, or a seccomp filter around minirun hides it.',
    remedy: 'see uname -r; inside Docker, use its --security-opt seccomp=unconfined.',
  },
  { calls: '*', codes: 'EMFILE ENFILE', cause: 'Too many open files.', remedy: 'raise ulimit -n.' },
  { calls: '*', codes: 'EBUSY', cause: 'The thing is in use by somebody else.', remedy: 'try again; fuser -vm PATH shows who uses it.' },
  {
    calls: '*',
    codes: 'ENAMETOOLONG',
    cause: 'A name is longer than 255 bytes, or a path longer than 4095.',
    remedy: 'use a shorter one.',
  },
  {
    calls: '*',
    codes: 'EINVAL',
    cause: 'The kernel refuses the arguments as they are: a flag that it does not know, or a value out of range.',
    remedy: 'compare the value in the configuration with the manual page; --dry-run shows the whole call.',
  },
];

const among = (list: string, name: string): boolean => list === '*' || list.split(' ').includes(name);

/** The row of the table that fits a failed step best; undefined for an errno that says enough by itself. */
export const causeOf = (step: Step, code: string): Cause | undefined =>
  CAUSES.find((row) => among(row.codes, code) && among(row.calls, step.call.name) && (row.when?.(step) ?? true));
