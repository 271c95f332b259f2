/** Why minirun-runc fails what it fails: one line each. `npm run conformance` says so when one no longer holds. */

export interface Reason {
  suite: string;
  /** As the report names it. */
  test: string;
  why: string;
  /** It depends on the machine (its kernel, its rights, its network): elsewhere the test may pass. */
  machine?: boolean;
}

/** The same reason for several tests of a suite. */
const each = (suite: string, tests: string[], why: string, machine = false): Reason[] =>
  tests.map((test) => ({ suite, test, why, ...(machine && { machine }) }));

const RUNTIME_TOOLS = [
  ...each(
    'runtime-tools',
    ['hooks', 'poststart', 'poststart_fail', 'poststop', 'poststop_fail', 'prestart', 'prestart_fail'],
    'the program never prints a test point, whatever it sees',
  ),
  ...each('runtime-tools', ['process_rlimits_fail'], 'the program prints nothing when the runtime refuses the limit, as it should'),
  ...each('runtime-tools', ['delete'], 'wants `delete` of a created container to fail; runc and crun allow it, and engines rely on it'),
  ...each('runtime-tools', ['misc_props'], 'starts /runtimetest, which the program forgot to copy into the root filesystem'),
  ...each(
    'runtime-tools',
    ['pidfile'],
    'kills `true`, which has ended by then on most machines; the specification wants that kill to fail',
    true,
  ),
  ...each('runtime-tools', ['start'], 'wants `start` without a process to succeed; the specification, which it cites, wants an error'),
  ...each(
    'runtime-tools',
    ['process_rlimits'],
    'its checker is a Go program, and Go raises its own soft limit of open files to the hard one when it starts',
  ),
  ...each(
    'runtime-tools',
    ['process_capabilities_fail'],
    'wants an unknown capability to be an error; since 1.0.3 the specification wants a warning',
  ),
  ...each(
    'runtime-tools',
    ['linux_cgroups_memory', 'linux_cgroups_relative_memory'],
    'sets memory.kmem.limit_in_bytes, which Linux 5.16 ceased to obey',
    true,
  ),
  ...each(
    'runtime-tools',
    ['linux_cgroups_blkio', 'linux_cgroups_relative_blkio'],
    'sets the weight of disk 8:0 (/dev/sda), which has to exist',
    true,
  ),
  ...each('runtime-tools', ['linux_cgroups_hugetlb', 'linux_cgroups_relative_hugetlb'], 'needs the version 1 controller hugetlb', true),
  ...each('runtime-tools', ['linux_cgroups_network', 'linux_cgroups_relative_network'], 'needs the controllers net_cls and net_prio', true),
  ...each('runtime-tools', ['linux_process_apparmor_profile'], 'needs AppArmor, and a profile called acme_secure_profile', true),
  ...each('runtime-tools', ['process_capabilities'], 'wants all capabilities; a machine may lack CAP_SYS_RESOURCE', true),
];

const RUNC = [
  ...each(
    'runc',
    [
      'checkpoint and restore',
      'checkpoint and restore (bind mount, destination is symlink)',
      'checkpoint and restore (with --debug)',
      'checkpoint and restore (cgroupns)',
      'checkpoint --pre-dump and restore',
      'checkpoint and restore with container specific CRIU config',
      'checkpoint and restore with nested bind mounts',
    ].map((name) => `checkpoint.bats: ${name}`),
    "Debian's criu 3.17 does not know the vDSO of this kernel (`criu check` fails)",
    true,
  ),
  ...each('runc', ['spec.bats: spec validator'], 'clones the specification from github.com and builds a Go module', true),
];

const CRUN = [
  ...each(
    'crun',
    ['checkpoint-restore', 'checkpoint-restore-ext-ns', 'checkpoint-restore-pre-dump'].map((name) => `test_checkpoint_restore.py: ${name}`),
    "Debian's criu 3.17 does not know the vDSO of this kernel (`criu check` fails); crun 1.8.1 of Debian leaves these out",
    true,
  ),
  ...each(
    'crun',
    ['test_tty.py: test-detach-tty'],
    'its config has a number among process.args, which runc and minirun refuse before they miss the console socket',
  ),
  ...each('crun', ['test_exec.py: exec_write_pid_file'], 'wants a process id of five digits, which is luck', true),
  ...each('crun', ['test_exec.py: exec-root-netns-with-userns'], 'joins the network namespace of process 1, which may be closed', true),
  ...each(
    'crun',
    ['test_mounts.py: mount-idmapped-mounts'],
    'wants the mappings of a mount the other way round, as crun had them before 1.8.1, which fails it too',
  ),
  ...each('crun', ['test_start.py: start'], "reads crun's own state file"),
  ...each(
    'crun',
    ['test_exec.py: exec_add_no_new_privileges'],
    'wants exec to drop noNewPrivileges, which the config has; runc and minirun keep it',
  ),
  ...each(
    'crun',
    ['test_seccomp.py: seccomp-listener'],
    'wants the agent to be told of a filter that notifies nobody, with ociVersion "0.2.0"; runc connects only when a rule notifies',
  ),
];

export const REASONS: Reason[] = [...RUNTIME_TOOLS, ...RUNC, ...CRUN];
