/**
 * The system calls that a container may make when nobody says otherwise: the same choice as
 * Docker's default profile, which every image has been tried against.
 *
 * It is a list of what is allowed; everything else fails with EPERM. Most of a kernel's bugs sit
 * in calls that ordinary programs never make, so what is left out costs nothing and protects from
 * bugs that nobody has found yet. Calls that a capability guards are allowed together with the
 * capability: forbidding mount(2) to a process that was given CAP_SYS_ADMIN would be of no use.
 */
import type { Seccomp, SeccompRule } from '../spec/config.ts';

const names = (text: string): string[] => text.trim().split(/\s+/);

/** What programs of all kinds do, by subject. The 32-bit spellings are there for 32-bit programs. */
const ALWAYS: Record<string, string[]> = {
  'open, read and write files': names(`
    open openat openat2 creat close close_range read readv pread64 preadv preadv2 write writev pwrite64 pwritev
    pwritev2 lseek _llseek readahead sendfile sendfile64 splice tee vmsplice copy_file_range dup dup2 dup3 fcntl
    fcntl64 flock ioctl fallocate truncate truncate64 ftruncate ftruncate64 fsync fdatasync sync syncfs
    sync_file_range fadvise64 fadvise64_64 name_to_handle_at cachestat`),
  'names, links and folders': names(`
    mkdir mkdirat rmdir link linkat symlink symlinkat unlink unlinkat rename renameat renameat2 readlink readlinkat
    mknod mknodat chdir fchdir getcwd getdents getdents64`),
  'attributes of files': names(`
    stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 statmount
    listmount access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat
    lchown lchown32 umask utime utimes utimensat utimensat_time64 futimesat getxattr lgetxattr fgetxattr getxattrat
    setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr listxattrat removexattr lremovexattr
    fremovexattr removexattrat`),
  memory: names(`
    brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall membarrier
    remap_file_pages memfd_create memfd_secret pkey_alloc pkey_free pkey_mprotect mseal map_shadow_stack`),
  processes: names(`
    fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill getpid getppid gettid getpgid
    getpgrp setpgid getsid setsid pidfd_open pidfd_send_signal process_mrelease prctl restart_syscall
    set_tid_address set_robust_list get_robust_list rseq set_thread_area get_thread_area uretprobe riscv_hwprobe`),
  signals: names(`
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn signalfd signalfd4 pause`),
  'who a process is': names(`
    getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32 getresuid getresuid32
    getresgid getresgid32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
    setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset`),
  'limits and priorities (the kernel itself checks rises)': names(`
    getrlimit ugetrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get ioprio_set getcpu
    sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
    sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
    sched_setparam sched_setscheduler sched_yield`),
  'time (clock_adjtime only reads without CAP_SYS_TIME)': names(`
    time times gettimeofday clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 clock_adjtime clock_adjtime64 adjtimex nanosleep alarm getitimer setitimer timer_create
    timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
    timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`),
  'waiting for several things': names(`
    select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl
    epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 futex futex_time64 futex_wait
    futex_waitv futex_wake futex_requeue inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    fanotify_mark`),
  'asynchronous reads and writes (not io_uring: too many kernel bugs so far)': names(`
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64`),
  'the network (socket itself is below)': names(`
    socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64`),
  'talk between processes': names(`
    pipe pipe2 ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt
    shmget mq_open mq_unlink mq_notify mq_getsetattr mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64`),
  'facts and random numbers': names('uname sysinfo getrandom'),
  'giving up more rights': names('seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self'),
};

/** What one kind of processor needs. */
const BY_ARCH: Record<'x64' | 'arm64', string[]> = {
  x64: names('arch_prctl modify_ldt'),
  arm64: names('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls'),
};

/** Calls that come with a capability, because the kernel asks for that very capability. */
const BY_CAPABILITY: Record<string, string[]> = {
  CAP_DAC_READ_SEARCH: names('open_by_handle_at'),
  CAP_SYS_ADMIN: names(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
    sethostname setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: names('reboot'),
  CAP_SYS_CHROOT: names('chroot'),
  CAP_SYS_MODULE: names('delete_module init_module finit_module'),
  CAP_SYS_PACCT: names('acct'),
  CAP_SYS_PTRACE: names('kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
  CAP_SYS_RAWIO: names('iopl ioperm'),
  CAP_SYS_TIME: names('settimeofday stime clock_settime clock_settime64'),
  CAP_SYS_TTY_CONFIG: names('vhangup'),
  CAP_SYS_NICE: names('get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  CAP_SYSLOG: names('syslog'),
  CAP_BPF: names('bpf'),
  CAP_PERFMON: names('perf_event_open'),
};

/**
 * Before Linux 4.8 a traced process could change its system call after seccomp had looked at it,
 * so ptrace was a way round the filter.
 */
const TRACING = names('ptrace process_vm_readv process_vm_writev');

/** Personalities that change how a process looks at uname and memory, not what it may do. */
const PER_LINUX = 0;
const PER_LINUX32 = 0x0008;
const UNAME26 = 0x20000;
const ASK_ONLY = 0xffffffff;

const AF_ALG = 38;
const AF_VSOCK = 40;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NEW_NAMESPACES = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

const EPERM = 1;
const ENOSYS = 38;

const ARCHITECTURES: Record<'x64' | 'arm64', string[]> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const allow = (calls: string[]): SeccompRule => ({ names: calls, action: 'SCMP_ACT_ALLOW' });
const allowIf = (call: string, op: string, index: number, value: number, valueTwo?: number): SeccompRule => ({
  ...allow([call]),
  args: [{ index, op: `SCMP_CMP_${op}`, value, ...(valueTwo === undefined ? {} : { valueTwo }) }],
});

/**
 * The default profile for a container with these capabilities.
 * @param capabilities names of the bounding set, as `CAP_SYS_ADMIN`
 * @param kernel version as [major, minor]
 */
export function defaultSeccomp(capabilities: readonly string[], arch: 'x64' | 'arm64', kernel: readonly [number, number]): Seccomp {
  const has = new Set(capabilities);
  const rules: SeccompRule[] = [allow(Object.values(ALWAYS).flat()), allow(BY_ARCH[arch])];

  // AF_ALG (the kernel's cryptography) and AF_VSOCK (the hypervisor) reach parts of the host that
  // no namespace separates.
  rules.push(allowIf('socket', 'LT', 0, AF_ALG), allowIf('socket', 'EQ', 0, AF_ALG + 1), allowIf('socket', 'GT', 0, AF_VSOCK));

  for (const persona of [PER_LINUX, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, ASK_ONLY])
    rules.push(allowIf('personality', 'EQ', 0, persona));

  if (kernel[0] > 4 || (kernel[0] === 4 && kernel[1] >= 8)) rules.push(allow(TRACING));

  for (const [capability, calls] of Object.entries(BY_CAPABILITY)) if (has.has(capability)) rules.push(allow(calls));

  if (!has.has('CAP_SYS_ADMIN')) {
    // New namespaces are refused, a user namespace above all: inside one, every process has all
    // capabilities, and with them the parts of the kernel that were written for root alone.
    rules.push(allowIf('clone', 'MASKED_EQ', 0, NEW_NAMESPACES, 0));
    // clone3 has its flags in memory, where a filter cannot look. ENOSYS makes libc use clone instead.
    rules.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS });
  }
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: ARCHITECTURES[arch],
    syscalls: rules,
  };
}
