import { expect, it } from 'vitest';
import { diffPrograms, renderDiff } from '../../src/explain/diff.ts';
import { CLONE, MS, O } from '../../src/libc/flags.ts';
import * as calls from '../../src/runc/program/calls.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';
import { ref } from '../../src/runc/program/step.ts';

const step = (call: Step['call'], more: Partial<Step> = {}): Step => ({
  actor: 'init',
  chapter: 'namespaces',
  call,
  why: `Why ${call.name}.`,
  man: `${call.name}(2)`,
  from: 'minirun',
  ...more,
});
const programOf = (...steps: Step[]): Program => ({ version: 1, arch: 'x64', warnings: [], steps });
const file = (path: string, value: string, serial: number): Step[] => [
  step(calls.open(path, O.O_WRONLY), { saves: `file.${serial}` }),
  step(calls.write(ref(`file.${serial}`), value), { minor: true }),
  step(calls.close(ref(`file.${serial}`)), { minor: true }),
];
const clone = step(calls.clone(CLONE.CLONE_NEWPID | CLONE.SIGCHLD));

it('finds no difference where only serial numbers, whys and pointers differ', () => {
  const before = programOf(...file('/a', '1', 1), ...file('/b', '2', 2));
  const after = programOf(...file('/a', '1', 7), ...file('/b', '2', 8).map((s) => ({ ...s, why: 'Other.', from: '#/x' })));
  expect(diffPrograms(before, after).entries).toEqual([]);
  expect(renderDiff(diffPrograms(before, after))).toBe('No difference: the same 6 steps.\n');
});

it('finds added and removed steps, files as a whole', () => {
  const before = programOf(clone, ...file('/a', '1', 1), ...file('/b', '1', 2), ...file('/c', '1', 3));
  const after = programOf(clone, ...file('/a', '1', 1), ...file('/c', '1', 2), step(calls.setsid()));
  const diff = diffPrograms(before, after);
  expect(diff.entries).toEqual([
    { kind: 'removed', before: 4 },
    { kind: 'removed', before: 5 },
    { kind: 'removed', before: 6 },
    { kind: 'added', after: 7 },
  ]);
  const text = renderDiff(diff, { width: 80 });
  expect(text).toMatch(/^2 steps fewer: 1 added, 3 removed \(10 before, 8 after\)\.$/m);
  expect(text).toMatch(/^- {2}5 {2}init {5}openat\(AT_FDCWD, "\/b", O_WRONLY\)$/m);
  expect(text).toMatch(/^\+ {2}8 {2}init {5}setsid\(\)$/m);
  expect(text).toContain('Why setsid.');
});

it('names the argument of a changed step, flags by what came and went', () => {
  const before = programOf(
    clone,
    ...file('/memory.max', '100', 1),
    step(calls.mount('tmpfs', '/dev', 'tmpfs', MS.MS_NOSUID | MS.MS_NODEV, 'size=1')),
  );
  const after = programOf(
    step(calls.clone(CLONE.CLONE_NEWPID | CLONE.CLONE_NEWUSER | CLONE.SIGCHLD)),
    ...file('/memory.max', '2000', 9),
    step(calls.mount('tmpfs', '/dev', 'tmpfs', MS.MS_NOSUID | MS.MS_NOEXEC, 'size=1')),
  );
  const diff = diffPrograms(before, after);
  expect(diff.entries.map((e) => e.kind)).toEqual(['changed', 'changed', 'changed']);
  const text = renderDiff(diff);
  expect(text).toContain('As many steps: 3 changed (5 before, 5 after).');
  expect(text).toContain('flags: +CLONE_NEWUSER');
  expect(text).toContain('buf: "100" → "2000"');
  expect(text).toContain('mountflags: +MS_NOEXEC −MS_NODEV');
});

it('takes steps on different things as one removed and one added', () => {
  const diff = diffPrograms(programOf(step(calls.unshare(CLONE.CLONE_NEWNET))), programOf(step(calls.unshare(CLONE.CLONE_NEWIPC))));
  expect(diff.entries.map((e) => e.kind).sort()).toEqual(['added', 'removed']);
  const dropped = (n: number) => programOf(step(calls.prctl(24, n)));
  expect(
    diffPrograms(dropped(1), dropped(2))
      .entries.map((e) => e.kind)
      .sort(),
  ).toEqual(['added', 'removed']);
});
