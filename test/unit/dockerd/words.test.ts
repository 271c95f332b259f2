/** What Docker's users read: times, states, names; and signals, conditions and flags as they write them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkName } from '../../../src/dockerd/container/open.ts';
import { NEVER, type State } from '../../../src/dockerd/container/record.ts';
import { parseSignal } from '../../../src/dockerd/container/signals.ts';
import { statusLine } from '../../../src/dockerd/container/summary.ts';
import { howLong } from '../../../src/dockerd/container/times.ts';
import { parseCondition } from '../../../src/dockerd/container/wait.ts';
import { daemonCommand, optionsFrom, sizeOf } from '../../../src/dockerd/options-from-flags.ts';
import { fieldsOf } from '../../../src/messages/http.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('how long ago', () => {
  it.each([
    [0, 'Less than a second'],
    [SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [MINUTE, 'About a minute'],
    [59 * MINUTE, '59 minutes'],
    [HOUR, 'About an hour'],
    [47 * HOUR, '47 hours'],
    [3 * DAY, '3 days'],
    [20 * DAY, '2 weeks'],
    [90 * DAY, '3 months'],
    [1000 * DAY, '2 years'],
  ])('%i ms: %s', (ms, text) => expect(howLong(ms)).toBe(text));
});

describe('the column STATUS', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  const state = (change: Partial<State>): State => ({
    Status: 'running',
    Pid: 1,
    ExitCode: 0,
    Error: '',
    OOMKilled: false,
    StartedAt: '2026-01-01T00:00:00Z',
    FinishedAt: NEVER,
    ...change,
  });
  it.each<[Partial<State>, string]>([
    [{}, 'Up 10 minutes'],
    [{ Status: 'paused' }, 'Up 10 minutes (Paused)'],
    [{ Health: { Status: 'healthy', FailingStreak: 0, Log: [] } }, 'Up 10 minutes (healthy)'],
    [{ Health: { Status: 'starting', FailingStreak: 0, Log: [] } }, 'Up 10 minutes (health: starting)'],
    [{ Status: 'exited', ExitCode: 3, FinishedAt: '2026-01-01T00:09:00Z' }, 'Exited (3) About a minute ago'],
    [{ Status: 'restarting', ExitCode: 1, FinishedAt: '2026-01-01T00:09:58Z' }, 'Restarting (1) 2 seconds ago'],
    [{ Status: 'created' }, 'Created'],
    [{ Status: 'removing' }, 'Removal In Progress'],
  ])('%j: %s', (change, text) => expect(statusLine(state(change), now)).toBe(text));
});

describe('what people write', () => {
  it.each([
    ['KILL', 9],
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
  ])('signal %s', (text, number) => expect(parseSignal(text)).toBe(number));
  it.each(['NONSENSE', '0', '65', 'RTMAX+1', ''])('no signal: %j', (text) => {
    expect(() => parseSignal(text)).toThrow(`Invalid signal: ${text}`);
  });

  it('names and conditions', () => {
    expect(checkName('/web-1')).toBe('web-1');
    expect(() => checkName('a')).toThrow('Invalid container name (a)');
    expect(() => checkName('-a b')).toThrow('Invalid container name');
    expect(parseCondition('')).toBe('not-running');
    expect(() => parseCondition('never')).toThrow('invalid condition');
  });
});

describe('the daemon’s flags', () => {
  const parse = (...words: string[]) => optionsFrom(daemonCommand().exitOverride().parse(words, { from: 'user' }).opts());

  it('count before the file, the file before the defaults', () => {
    const folder = mkdtempSync(join(tmpdir(), 'minirun-daemon-'));
    try {
      const file = join(folder, 'daemon.json');
      writeFileSync(
        file,
        '{"data-root":"/a","exec-root":"/b","hosts":["tcp://127.0.0.1:1"],"log-opts":{"max-size":"1m"},"runtimes":{"x":{"path":"/x"}}}',
      );
      const options = parse('--config-file', file, '--data-root', '/c', '--add-runtime', 'y=/y', '--default-shm-size', '128m');
      expect(options).toMatchObject({
        dataRoot: '/c',
        execRoot: '/b',
        hosts: ['tcp://127.0.0.1:1'],
        logOptions: { 'max-size': '1m' },
        runtimes: { x: { path: '/x' }, y: { path: '/y' } },
        defaultShmSize: 128 << 20,
        defaultRuntime: 'minirun',
      });
      writeFileSync(file, 'nonsense');
      expect(() => parse('--config-file', file)).toThrow(`unable to configure the daemon with file ${file}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [['--log-level', 'loud'], 'log-level loud'],
    [['--shutdown-timeout', 'soon'], 'shutdown-timeout'],
    [['--log-opt', 'x'], '--log-opt x'],
    [['--default-ulimit', 'nofile'], '--default-ulimit nofile'],
    [['--default-shm-size', 'big'], 'invalid size'],
  ])('%j is refused', (words, why) => expect(() => parse(...words)).toThrow(why));

  it('sizes', () => {
    expect(['1', '1k', '1.5m', '2GB', '1GiB'].map(sizeOf)).toEqual([1, 1024, 1572864, 2 ** 31, 2 ** 30]);
  });
});

describe('what is told of a request', () => {
  it('leaves out what says nothing, hides what is nobody’s business, and ends', () => {
    const told = fieldsOf({
      Image: 'busybox',
      Cmd: ['echo', 'hi'],
      Env: ['PASSWORD=x'],
      Tty: false,
      Memory: 0,
      Labels: {},
      HostConfig: { AutoRemove: true, Binds: null, LogConfig: { Type: '' }, Secrets: ['y'] },
      Many: Array.from({ length: 20 }, (_, n) => n + 1),
    });
    expect(told).toEqual({
      Image: 'busybox',
      Cmd: ['echo', 'hi'],
      Env: '(not shown)',
      HostConfig: { AutoRemove: true, Secrets: '(not shown)' },
      Many: [1, 2, 3, 4, 5, 6, 7, 8, '… 12 more'],
    });
    let deep: object = { end: 1 };
    for (let n = 0; n < 50; n++) deep = { deep };
    expect(JSON.stringify(fieldsOf(deep)).length).toBeLessThan(100);
  });
});
