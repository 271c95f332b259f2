import { describe, expect, it } from 'vitest';
import { pythonResults } from '../conformance/crun-python.ts';
import { parseOptions } from '../conformance/options.ts';
import { REASONS } from '../conformance/reasons.ts';
import { judge, type Result, table } from '../conformance/report.ts';
import { batsResults, runcBats, testsOf } from '../conformance/runc-bats.ts';
import { outcomeOf } from '../conformance/runtime-tools.ts';
import { sourceEntries } from '../conformance/source.ts';

describe('what the suites print', () => {
  it('bats: output follows its test, a skip has its reason', () => {
    const text = `1..4
ok 1 runc run [a, b]
not ok 2 mask paths (x)
# (in test file mask.bats, line 30)
#   \`[ "$status" -eq 1 ]' failed
ok 3 v2 only # skip test requires cgroups_v2
not ok 4 slow # timeout after 60s
`;
    expect(batsResults(text)).toEqual([
      { test: 'runc run [a, b]', outcome: 'pass', output: '' },
      { test: 'mask paths (x)', outcome: 'fail', output: '(in test file mask.bats, line 30)\n  `[ "$status" -eq 1 ]\' failed' },
      { test: 'v2 only', outcome: 'skip', output: 'test requires cgroups_v2' },
      { test: 'slow', outcome: 'fail', output: '' },
    ]);
  });

  it("crun's tests: output comes before its test", () => {
    const text = '1..3\nwrong owner\nnot ok 1 - owner-device\nok 2 - sd-notify #SKIP\r\nok 3 - start\n';
    expect(pythonResults(text)).toEqual([
      { test: 'owner-device', outcome: 'fail', output: '1..3\nwrong owner' },
      { test: 'sd-notify', outcome: 'skip', output: '' },
      { test: 'start', outcome: 'pass', output: '' },
    ]);
  });

  it('runtime-tools: a program without a test point is neither a pass nor a failure', () => {
    expect(outcomeOf('TAP version 13\n1..0\n', 0)).toBe('none');
    expect(outcomeOf('TAP version 13\n1..0\n', 1)).toBe('fail');
    expect(outcomeOf('ok 1 - a\nok 2 - b\n', 0)).toBe('pass');
    expect(outcomeOf('ok 1 - a\nnot ok 2 - b\n', 0)).toBe('fail');
    expect(outcomeOf('ok 1 - a\nok 2 - b\n', 1)).toBe('fail');
    expect(outcomeOf('ok 1 # SKIP no AppArmor\n', 0)).toBe('skip');
  });

  it('the names of tests in a bats file', () => {
    expect(testsOf('@test "a [b] (c)" {\n  true\n}\n\n  @test "no" {\n@test "d" {\n')).toEqual(['a [b] (c)', 'd']);
  });
});

describe('judging minirun', () => {
  const result = (test: string, runtime: string, outcome: Result['outcome']): Result => ({
    suite: 's',
    test,
    runtime,
    outcome,
    output: '',
  });
  const results = [
    result('a', 'minirun', 'pass'),
    result('b', 'minirun', 'fail'),
    result('b', 'runc', 'pass'),
    result('c', 'minirun', 'fail'),
    result('d', 'minirun', 'pass'),
    result('e', 'minirun', 'none'),
    result('f', 'minirun', 'skip'),
    result('c', 'runc', 'fail'),
  ];

  it('names what has no reason, and reasons that no longer hold', () => {
    const reasons = [
      { suite: 's', test: 'a', why: 'it was wrong' },
      { suite: 's', test: 'c', why: 'the test is wrong' },
      { suite: 's', test: 'd', why: 'this kernel', machine: true },
      { suite: 's', test: 'f', why: 'skipped here' },
      { suite: 's', test: 'not run', why: 'anything' },
    ];
    const { lines, unexplained, stale } = judge(results, reasons);
    expect(unexplained).toEqual(['s b', 's e']);
    expect(stale).toEqual(['s a']);
    expect(lines).toEqual(['- s b (runc: pass): unexplained', '- s c (runc: fail): the test is wrong', '- s e: unexplained']);
  });

  it('counts each runtime in a row of its own', () => {
    const text = table(results, [{ ...runcBats, name: 's', title: 'suite' }], ['minirun', 'runc', 'crun']);
    expect(text.split('\n').map((l) => l.replace(/\s+/g, ' '))).toEqual([
      '| suite | runtime | tests | pass | fail | skipped | no result |',
      '|-------|---------|------:|-----:|-----:|--------:|----------:|',
      '| suite | minirun | 6 | 2 | 2 | 1 | 1 |',
      '| suite | runc | 2 | 1 | 1 | 0 | 0 |',
    ]);
  });

  it('knows one reason for a test, not two', () => {
    const names = REASONS.map((r) => `${r.suite} ${r.test}`);
    expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([]);
  });
});

describe('where source packages come from', () => {
  it("the machine's own entries, as sources, in both formats", () => {
    const list =
      '# deb http://old.example/debian stable main\ndeb [arch=amd64] http://deb.example/debian bookworm main\ndeb http://apt.example/tools x main\n';
    const sources = `Types: deb
# a comment
URIs: http://deb.example/debian
Suites: bookworm

Types: deb
URIs: https://node.example/node
Suites: nodistro
`;
    expect(sourceEntries([{ name: 'a.list', text: list }])).toEqual({
      lines: 'deb-src [arch=amd64] http://deb.example/debian bookworm main\n',
      stanzas: '',
    });
    expect(sourceEntries([{ name: 'a.sources', text: sources }])).toEqual({
      lines: '',
      stanzas: 'Types: deb-src\nURIs: http://deb.example/debian\nSuites: bookworm\n\n',
    });
  });
});

describe('the command line', () => {
  it('takes suites, runtimes and parts of names', () => {
    const argv = ['runc', '--runtime', 'minirun,runc', '--runtime', '/opt/youki', '--only', 'mask', '--limit', '5', '--json', 'x'];
    expect(parseOptions(argv, ['runc', 'crun'])).toEqual({
      suites: ['runc'],
      runtimes: ['minirun', 'runc', '/opt/youki'],
      only: ['mask'],
      seconds: 5,
      json: 'x',
    });
  });

  it('refuses what it does not know', () => {
    expect(() => parseOptions(['youki'], ['runc', 'crun'])).toThrow('no suite is called youki; there are runc, crun');
    expect(() => parseOptions(['--limit', 'soon'], ['runc'])).toThrow('--limit soon: a number of seconds is wanted');
  });
});
