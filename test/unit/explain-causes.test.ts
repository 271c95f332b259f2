import { expect, it } from 'vitest';
import { CAUSES, causeOf } from '../../src/explain/cause-table.ts';
import { explainFailure } from '../../src/explain/causes.ts';
import { ERRNO } from '../../src/libc/errno.ts';
import { CLONE, MS, O } from '../../src/libc/flags.ts';
import { syscallNumber } from '../../src/libc/syscalls.ts';
import { StepError } from '../../src/runc/engine/step-error.ts';
import * as calls from '../../src/runc/program/calls.ts';
import { type Program, ref, type Step } from '../../src/runc/program/step.ts';

const step = (call: Step['call'], more: Partial<Step> = {}): Step => ({
  actor: 'init',
  chapter: 'root file system',
  call,
  why: 'Why.',
  man: `${call.name}(2)`,
  from: 'minirun',
  ...more,
});
const failed = (errno: string, steps: Step[], because?: string): string => {
  const program: Program = { version: 1, arch: 'x64', warnings: [], steps };
  return explainFailure(new StepError(program, steps.length - 1, ERRNO[errno] ?? 0, because));
};

it('tells step, call, actor, errno, cause and remedy', () => {
  const text = failed('EPERM', [
    step(calls.openat2(3, 'proc', O.O_PATH, 0), { saves: 'proc.1' }),
    step(calls.mount('proc', ['/proc/self/fd/', ref('proc.1')], 'proc', MS.MS_NOSUID, null), { from: '#/mounts/3' }),
  ]);
  expect(text.split('\n')[0]).toBe(
    'step 2 of 2: mount("proc", "/proc/self/fd/<proc.1>", "proc", MS_NOSUID, NULL) by init: EPERM (operation not permitted).',
  );
  expect(text).toContain('There <proc.1> is the result of step 1: openat2(3, "proc", {flags=O_PATH}, 24)');
  expect(text).toContain('Usual cause: A user namespace may mount a new /proc only where');
  expect(text).toContain('\nTry: ');
  expect(text).toContain('Asked for by config #/mounts/3; more in mount(2).');
});

it.each<[string, string, Step, RegExp]>([
  ['a forbidden user namespace', 'EPERM', step(calls.clone(CLONE.CLONE_NEWUSER | CLONE.SIGCHLD)), /apparmor_restrict_unprivileged_userns/],
  ['a namespace without privilege', 'EPERM', step(calls.unshare(CLONE.CLONE_NEWNS)), /CAP_SYS_ADMIN/],
  ['a closed folder above a volume', 'EACCES', step(calls.openTree(-100, '/home/x', 1)), /chmod o\+x/],
  ['a missing source', 'ENOENT', step(calls.mount('/nope', '/x', null, MS.MS_BIND, null)), /source of the mount does not exist/],
  ['a read-only rootfs', 'EROFS', step(calls.mkdirat(5, 'proc', 0o755)), /read-only/],
  ['a program for another processor', 'ENOEXEC', step(calls.execve('/bin/x', [], [])), /another processor.*script/],
  ['a missing loader', 'ENOENT', step(calls.execve('/bin/x', [], [])), /loader/],
  ['noexec', 'EACCES', step(calls.execve('/bin/x', [], [])), /noexec/],
  [
    'a limit below what is used',
    'EBUSY',
    step(calls.write(3, '1'), { chapter: 'cgroup', from: '#/linux/resources/memory/limit' }),
    /below what is in use/,
  ],
  ['too little memory', 'EINVAL', step(calls.write(3, '1'), { chapter: 'cgroup', from: '#/linux/resources/memory/limit' }), /too small/],
  ['an empty cpuset', 'ENOSPC', step(calls.write(3, '1'), { chapter: 'cgroup' }), /cpuset/],
  ['a full disk', 'ENOSPC', step(calls.mkdirat(5, 'proc', 0o755)), /disk is full/],
  ['a cgroup of somebody else', 'EACCES', step(calls.mkdirat(-100, '/sys/fs/cgroup/x', 0o755), { chapter: 'cgroup' }), /Delegate=yes/],
  ['an unmapped id', 'EINVAL', step(calls.setresuid(7)), /not mapped/],
  ['a raised limit', 'EPERM', step(calls.prlimit(7, 1n, 2n)), /CAP_SYS_RESOURCE/],
  ['anything else', 'EROFS', step(calls.fchown(3, 0, 0)), /mounted read-only/],
])('knows %s', (_name, code, failing, words) => {
  expect(failed(code, [failing])).toMatch(words);
});

it('says a failed check and any other error in their own words', () => {
  expect(failed('', [step(calls.getcwd())], 'The working directory is outside.')).toContain(
    'step 1 of 1: getcwd(buf[4096], 4096) by init: The working directory is outside.',
  );
  expect(explainFailure(new Error('no such rootfs'))).toBe('no such rootfs');
});

it('names only calls and errors that exist, and no row hides a later one', () => {
  for (const row of CAUSES) {
    for (const code of row.codes.split(' ')) expect(ERRNO, `${row.calls} ${code}`).toHaveProperty(code);
    for (const name of row.calls.split(' '))
      if (name !== '*' && name !== 'posix_spawn')
        expect(syscallNumber(name === 'prlimit' ? 'prlimit64' : name, 'x64'), name).toBeTypeOf('number');
    expect(row.cause).toMatch(/^[A-Z].*\.$/s);
    expect(row.remedy).toMatch(/\.$/);
  }
  CAUSES.forEach((row, i) => {
    const hidden = row.codes
      .split(' ')
      .every((code) =>
        row.calls
          .split(' ')
          .every((name) =>
            CAUSES.slice(0, i).some(
              (r) => !r.when && r.codes.split(' ').includes(code) && (r.calls === '*' || r.calls.split(' ').includes(name)),
            ),
          ),
      );
    expect(hidden, `row ${i}: ${row.cause}`).toBe(false);
  });
  expect(causeOf(step(calls.setsid()), 'EDOM')).toBeUndefined();
});
