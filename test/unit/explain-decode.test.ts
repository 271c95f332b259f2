import { expect, it } from 'vitest';
import { callParts, deviceNumbers, showCall, showStep } from '../../src/explain/decode.ts';
import { quote } from '../../src/explain/quote.ts';
import { CLONE, MNT, MS, O, PR, RESOLVE, S } from '../../src/libc/flags.ts';
import { AT_FDCWD } from '../../src/runc/program/args.ts';
import * as calls from '../../src/runc/program/calls.ts';
import { type Program, ref, type Step } from '../../src/runc/program/step.ts';

it('writes mount flags by name and NULL for what is not given', () => {
  const call = calls.mount('proc', ['/proc/self/fd/', ref('target.3')], 'proc', MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC, null);
  expect(showCall(call)).toBe('mount("proc", "/proc/self/fd/<target.3>", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)');
  expect(showCall(call, { value: () => 7, numbers: true })).toBe(
    'mount("proc", "/proc/self/fd/7", "proc", 0xe /* MS_NOSUID|MS_NODEV|MS_NOEXEC */, NULL)',
  );
});

it('names descriptors, modes and devices', () => {
  expect(showCall(calls.open('/x', O.O_RDONLY | O.O_CLOEXEC))).toBe('openat(AT_FDCWD, "/x", O_RDONLY|O_CLOEXEC)');
  expect(showCall(calls.openat(ref('root'), 'f', O.O_WRONLY | O.O_CREAT, 0o644))).toBe('openat(<root>, "f", O_WRONLY|O_CREAT, 0644)');
  expect(showCall(calls.mknodat(AT_FDCWD, 'null', S.S_IFCHR | 0o666, 0x103))).toBe(
    'mknodat(AT_FDCWD, "null", S_IFCHR|0666, makedev(1, 3))',
  );
  expect(showCall(calls.umask(0o22))).toBe('umask(022)');
  expect(showCall(calls.umount2('.', MNT.MNT_DETACH))).toBe('umount2(".", MNT_DETACH)');
  expect(deviceNumbers(0x10000503n)).toEqual([5, 0x10003]);
});

it('writes structs as braces with fields', () => {
  expect(showCall(calls.openat2(ref('rootfs'), 'proc', O.O_PATH | O.O_CLOEXEC, RESOLVE.RESOLVE_IN_ROOT))).toBe(
    'openat2(<rootfs>, "proc", {flags=O_CLOEXEC|O_PATH, resolve=RESOLVE_IN_ROOT}, 24)',
  );
  expect(showCall(calls.prlimit(7, 1024n, (1n << 64n) - 1n))).toBe(
    'prlimit(0, RLIMIT_NOFILE, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}, NULL)',
  );
});

it('joins the halves of capability sets and writes equal sets once', () => {
  const set = (1n << 0n) | (1n << 38n);
  expect(showCall(calls.capset(set, set, 0n))).toBe(
    'capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=permitted=CAP_CHOWN|CAP_PERFMON, inheritable=0})',
  );
  expect(showCall(calls.capset((1n << 41n) - 1n, 1n, 1n))).toContain('{effective=all 41 capabilities, permitted=inheritable=CAP_CHOWN}');
});

it('leaves out the unused words of prctl and clone, and only those', () => {
  expect(showCall(calls.prctl(PR.PR_SET_NO_NEW_PRIVS, 1))).toBe('prctl(PR_SET_NO_NEW_PRIVS, 1)');
  expect(showCall(calls.prctl(PR.PR_CAPBSET_DROP, 0))).toBe('prctl(PR_CAPBSET_DROP, CAP_CHOWN)');
  expect(showCall(calls.prctl(PR.PR_CAP_AMBIENT, 2, 0))).toBe('prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN)');
  expect(showCall(calls.prctl(PR.PR_CAP_AMBIENT, 4))).toBe('prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)');
  expect(showCall(calls.prctl(PR.PR_SET_PDEATHSIG, 9))).toBe('prctl(PR_SET_PDEATHSIG, SIGKILL)');
  expect(showCall(calls.clone(CLONE.CLONE_NEWPID | CLONE.SIGCHLD))).toBe('clone(CLONE_NEWPID|SIGCHLD)');
  expect(showCall(calls.mount(null, '/', null, 0, null))).toBe('mount(NULL, "/", NULL, 0, NULL)');
});

it('cuts long strings and lists at the width, and says so', () => {
  const call = calls.execve('/bin/sh', ['sh', '-c', 'a very long command that goes on and on'], []);
  expect(showCall(call, { width: 12 })).toBe('execve("/bin/sh", ["sh", "-c", … 1 more], [])');
  expect(showCall(calls.write(3, 'x'.repeat(50)), { width: 10 })).toBe('write(3, "xxxxxxxxxx"…, 50)');
});

it('leaves the middle of a long path out, and most digits of an id', () => {
  const id = '0123456789abcdef'.repeat(4);
  expect(quote(`/sys/fs/cgroup/memory/minirun/${id}/memory.max`, 72)).toBe('"/sys/fs/cgroup/memory/minirun/0123456789ab…/memory.max"');
  expect(quote(`/a/${'b'.repeat(40)}/name`, 15)).toBe('"/a/bbbb…bb/name"');
  expect(quote(`/x/${id}`)).toBe(`"/x/${id}"`);
});

it('never lets a name speak to the terminal', () => {
  expect(quote('a\u001b[2Jb\u009b1m\u202ec"\\\n')).toBe('"a\\x1b[2Jb\\x9b1m\\u202ec\\"\\\\\\n"');
  expect(quote('Grüße 世界')).toBe('"Grüße 世界"');
});

it('reads sync steps and helper programs as sentences', () => {
  const step = (actor: Step['actor'], kind: 'wait' | 'signal'): Step => ({
    actor,
    chapter: 'identity',
    call: { name: `sync_${kind}`, args: [{ kind: 'text', parts: ['ids mapped'] }] },
    sync: { kind, token: 'ids mapped' },
    why: '.',
    man: 'read(2)',
    from: 'minirun',
  });
  const program: Program = { version: 1, arch: 'x64', warnings: [], steps: [step('runtime', 'signal'), step('init', 'wait')] };
  expect(showStep(program, 0)).toBe('tell init: ids mapped');
  expect(showStep(program, 1)).toBe('wait for runtime: ids mapped');
  expect(showCall(calls.runProgram('newuidmap', [ref('init')], '0'))).toBe('posix_spawn(["newuidmap", "<init>", "0"])');
  expect(callParts(calls.chdir('/')).args).toEqual(['"/"']);
});
