import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonNarrator, type StepRecord } from '../../src/explain/json.ts';
import { narrator, showTime } from '../../src/explain/narrate.ts';
import type { Observer, Outcome } from '../../src/runc/engine/observer.ts';
import * as calls from '../../src/runc/program/calls.ts';
import { type Program, ref, type Step } from '../../src/runc/program/step.ts';

const step = (call: Step['call'], more: Partial<Step> = {}): Step => ({
  actor: 'init',
  chapter: 'root file system',
  call,
  why: `Why ${call.name}.`,
  man: `${call.name}(2)`,
  from: 'minirun',
  ...more,
});
const sync = (actor: Step['actor'], kind: 'wait' | 'signal'): Step =>
  step(
    { name: `sync_${kind}`, args: [{ kind: 'text', parts: ['ready'] }] },
    { actor, sync: { kind, token: 'ready' }, why: `Why ${kind}.` },
  );

/** Lets an observer see steps as if they ran in this process; `act` is what the call does. */
function run(observer: Observer, program: Program, index: number, outcome: Partial<Outcome> = {}, act: () => void = () => {}): void {
  const where = { program, index, step: program.steps[index] as Step, pid: process.pid };
  observer.begin?.(where);
  act();
  observer.end?.(where, { result: 0, ns: 1500, ignored: false, ...outcome });
}

const programOf = (...steps: Step[]): Program => ({ version: 1, arch: 'x64', warnings: [], steps });

function story(tell: (observer: Observer) => void): string {
  let text = '';
  tell(narrator({ write: (t) => (text += t), width: 90 }));
  return text;
}

it('writes call, result, time, why and manual page', () => {
  const program = programOf(step(calls.open('/x', 0), { saves: 'x.1' }), step(calls.close(ref('x.1'))));
  const text = story((observer) => {
    run(observer, program, 0, { result: 7 });
    run(observer, program, 1, { ns: 2_345_678 });
  });
  expect(text).toMatch(/ 1 {2}init {5}openat\(AT_FDCWD, "\/x", O_RDONLY\) = 7 +2 µs$/m);
  expect(text).toMatch(/ 2 {2}init {5}close\(7\) = 0 +2\.35 ms$/m);
  expect(text).toContain('Why openat.\n');
  expect(text).toContain('see close(2)');
  expect(text.match(/── root file system/g)).toHaveLength(1);
});

it('tells errors by name and meaning, and which of them are fine', () => {
  const program = programOf(step(calls.mkdirat(-100, 'proc', 0o755), { ignore: ['EEXIST'] }), step(calls.setresuid(0)));
  const text = story((observer) => {
    run(observer, program, 0, { result: -17, ignored: true });
    run(observer, program, 1, { result: -1 });
  });
  expect(text).toContain('= -1 EEXIST (file exists), and that is fine');
  expect(text).toContain('= -1 EPERM (operation not permitted)');
  expect(text).not.toContain('(operation not permitted), and');
});

it('says why steps are skipped whose descriptor is missing', () => {
  const program = programOf(
    step(calls.open('/x', 0), { saves: 'x.1', ignore: ['ENOENT'] }),
    step(calls.close(ref('x.1')), { ignore: ['EBADF'] }),
  );
  const text = story((observer) => {
    run(observer, program, 0, { result: -2, ignored: true });
    run(observer, program, 1, { result: -9, ignored: true });
  });
  expect(text).toContain('skipped because step 1 found nothing');
});

describe('what changed', () => {
  it('is read from /proc before and after', () => {
    const before = process.cwd();
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'narrate-')));
    const program = programOf(step(calls.chdir(folder)), step(calls.umask(0o77)));
    const mask = process.umask();
    let text = '';
    try {
      text = story((observer) => {
        run(observer, program, 0, {}, () => process.chdir(folder));
        run(observer, program, 1, {}, () => process.umask(0o77));
      });
    } finally {
      process.chdir(before);
      process.umask(mask);
      rmdirSync(folder);
    }
    expect(text.replace(/\n +/g, ' ')).toContain(`▸ working directory: ${before} → ${folder}`);
    expect(text).toContain(`▸ umask: 0${mask.toString(8).padStart(3, '0')} → 0077`);
  });

  it('takes the host name from the call and remembers it', () => {
    const program = programOf(step(calls.sethostname('one')), step(calls.sethostname('two')));
    const text = story((observer) => {
      run(observer, program, 0);
      run(observer, program, 1);
    });
    expect(text).toContain(`host name: ${hostname()} → one`);
    expect(text).toContain('host name: one → two');
  });

  it('is nothing, not an error, for a process that cannot be read', () => {
    const program = programOf(
      step(calls.unshare(0x20000)),
      step(calls.mount('a', 'b', 'c', 0, null)),
      step(calls.write(3, 'x')),
      step(calls.execve('/x', [], [])),
    );
    const text = story((observer) => {
      program.steps.forEach((s, index) => {
        const where = { program, index, step: s, pid: 2 ** 22 + 1 };
        observer.begin?.(where);
        observer.end?.(where, { result: 0, ns: 0, ignored: false });
        observer.end?.({ ...where, pid: undefined }, { result: 0, ns: 0, ignored: false });
      });
    });
    expect(text).not.toContain('▸');
    expect(text).toContain('= done');
  });
});

it('tells a signal before the wait that it ends, once', () => {
  const program = programOf(sync('init', 'signal'), sync('runtime', 'wait'));
  const text = story((observer) => {
    const wait = { program, index: 1, step: program.steps[1] as Step, pid: process.pid };
    observer.begin?.(wait);
    observer.begin?.({ ...wait, index: 0, step: program.steps[0] as Step });
    observer.end?.(wait, { result: 0, ns: 1, ignored: false });
    observer.end?.({ ...wait, index: 0, step: program.steps[0] as Step }, { result: 0, ns: 1, ignored: false });
  });
  expect(text.indexOf('tell runtime: ready')).toBeLessThan(text.indexOf('wait for init: ready'));
  expect(text.match(/tell runtime/g)).toHaveLength(1);
});

it('adds only the outcome to a step that was announced', () => {
  const program = programOf(step(calls.chdir('/')));
  let text = '';
  const observer = narrator({ write: (t) => (text += t) });
  const where = { program, index: 0, step: program.steps[0] as Step, pid: process.pid };
  observer.announce(where);
  run(observer, program, 0);
  expect(text.match(/chdir\("\/"\)/g)).toHaveLength(1);
  expect(text.match(/Why chdir/g)).toHaveLength(1);
  expect(text).toMatch(/^ +\S*= 0 +2 µs$/m);
});

it('writes one JSON object a step', () => {
  const program = programOf(
    step(calls.sethostname('box'), { from: '#/hostname' }),
    step(calls.chdir('/'), { ignore: ['ENOENT'], minor: true }),
  );
  let text = '';
  const observer = jsonNarrator({ write: (t) => (text += t) });
  run(observer, program, 0);
  run(observer, program, 1, { result: -2, ignored: true });
  const records = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StepRecord);
  expect(records[0]).toMatchObject({
    step: 1,
    total: 2,
    actor: 'init',
    chapter: 'root file system',
    call: 'sethostname("box", 3)',
    result: 0,
    ns: 1500,
    from: '#/hostname',
    man: 'sethostname(2)',
    changed: [{ subject: 'host name', after: 'box', text: `host name: ${hostname()} → box` }],
  });
  expect(records[1]).toMatchObject({ result: -1, errno: 'ENOENT', ignored: true, changed: [], minor: true });
});

it('shows times in three digits', () => {
  expect([0, 400, 24_400, 999_499, 1_800_000, 2_100_000_000].map(showTime)).toEqual(['', '1 µs', '24 µs', '999 µs', '1.80 ms', '2.10 s']);
});

it('ends a create with what start will do', () => {
  const created = { name: 'sync_wait', args: [{ kind: 'text', parts: ['created'] }] } as Step['call'];
  const gate = step(created, { actor: 'runtime', sync: { kind: 'wait', token: 'created' } });
  const program: Program = { ...programOf(step(calls.setresuid(0)), gate, step(calls.close(9))), gated: true };
  const text = story((observer) => {
    run(observer, program, 0);
    run(observer, program, 1);
  });
  expect(text).toMatch(/When `start` comes[\s\S]* 3 {2}init {5}close\(9\)\n/);
  expect(text).not.toContain('close(9) =');
});

describe('a container that waits for start', () => {
  const gated: Program = {
    ...programOf(
      step(calls.unshare(0)),
      step(calls.accept4(4), { saves: 'start', chapter: 'the command' }),
      step(calls.dup3(ref('start'), 3), { chapter: 'the command' }),
      step(calls.execve('/bin/true', ['true'], []), { chapter: 'the command' }),
    ),
    gated: true,
  };

  it('goes on at the gate, with the numbers of the whole program', () => {
    const text = story((observer) => {
      run(observer, gated, 2, { result: 3 });
      run(observer, gated, 3);
    });
    expect(text).toMatch(new RegExp(`^Init, process ${process.pid}, has waited for [\\d.]+ m?s at step 2 of 4\\.`));
    expect(text).toMatch(/ 2 {2}init {5}accept4\(4, NULL, NULL, SOCK_CLOEXEC\)$/m);
    expect(text).toMatch(/ 3 {2}init {5}dup3\(<start>, 3, O_RDONLY\) = 3/);
    expect(text).not.toContain('Starting a container');
  });
});

describe('hooks', () => {
  const call = calls.runHook('/bin/hook', ['hook', 'a b'], null, 5, ['{"pid":', ref('init'), '}'], null, null);

  it('are told with named arguments, and only those that were given', () => {
    const program = programOf(step(call, { actor: 'runtime', chapter: 'hooks', from: '#/hooks/prestart/0' }));
    const text = story((observer) => run(observer, program, 0));
    expect(text.replace(/\n +/g, ' ')).toContain(
      'run_hook("/bin/hook", argv=["hook", "a b"], timeout=5 s, input="{\\"pid\\":<init>}") = exit status 0',
    );
    expect(text).toContain('config #/hooks/prestart/0');
  });

  it('of no program are told without a number, failed ones with their words', () => {
    const hook = { path: '/h', args: ['/h'], env: ['A=b'], timeout: 0, state: '{}', inside: 42, cwd: '/' };
    const text = story((observer) => {
      observer.hook?.({ ...hook, from: '#/hooks/startContainer/0' }, { ns: 2e6 });
      observer.hook?.({ ...hook, inside: undefined, from: '#/hooks/poststop/1' }, { ns: 3e6, failure: 'exit status 3' });
    });
    expect(text).toMatch(/^ {7}runtime {2}run_hook\("\/h", argv=\["\/h"\], environment=\["A=b"\]/m);
    expect(text).toContain('namespaces of process 42');
    expect(text).toContain('= failed: exit status 3');
    expect(text).toContain('config #/hooks/poststop/1');
  });

  it('that throw are told when the story stops', () => {
    const program = programOf(step(call, { actor: 'runtime', chapter: 'hooks' }));
    let text = '';
    const told = narrator({ write: (t) => (text += t), width: 90 });
    told.begin({ program, index: 0, step: program.steps[0] as Step, pid: process.pid });
    expect(text).not.toContain('run_hook');
    told.stop();
    expect(text).toContain('= failed');
  });
});
