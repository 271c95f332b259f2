import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { placeOf } from '../../../src/cli/docker/commands/cp.ts';
import { type EventMessage, eventText } from '../../../src/cli/docker/commands/events.ts';
import { KINDS, type Owner, sharing } from '../../../src/cli/docker/commands/lsns.ts';
import { monitorText } from '../../../src/cli/docker/commands/monitor.ts';
import { portText } from '../../../src/cli/docker/container/port-text.ts';
import { parseTime } from '../../../src/cli/docker/container/times.ts';
import { usageOf } from '../../../src/cli/docker/container/usage.ts';
import { landing, renamed } from '../../../src/cli/docker/copy/names.ts';
import { type Listing, listText, objectText } from '../../../src/cli/docker/output/listing.ts';
import { progressLine, showProgress } from '../../../src/cli/docker/output/progress.ts';
import { tableText } from '../../../src/cli/docker/output/table.ts';
import { ago, binarySize, humanDuration, humanSize } from '../../../src/cli/docker/output/units.ts';
import { copyFrames } from '../../../src/cli/docker/streams/frames.ts';
import { jsonLines } from '../../../src/cli/docker/streams/json-lines.ts';
import { oneAtATime } from '../../../src/cli/docker/streams/terminal-size.ts';

describe('units, as go-units writes them', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1240000, '1.24MB'],
    [1984000, '1.98MB'],
    [77_800_000, '77.8MB'],
    [1e9, '1GB'],
  ])('%d bytes', (bytes, text) => expect(humanSize(bytes)).toBe(text));
  it('memory', () => expect([1048576, 316 * 1024, 25277255680].map((n) => binarySize(n))).toEqual(['1MiB', '316KiB', '23.54GiB']));
  it.each([
    [500, 'Less than a second'],
    [1500, '1 second'],
    [46_000, '46 seconds'],
    [60_000, 'About a minute'],
    [150_000, '2 minutes'],
    [3_600_000, 'About an hour'],
    [47 * 3_600_000, '47 hours'],
    [72 * 3_600_000, '3 days'],
    [24 * 21 * 3_600_000, '3 weeks'],
    [24 * 100 * 3_600_000, '3 months'],
    [24 * 800 * 3_600_000, '2 years'],
  ])('%d ms', (ms, text) => expect(humanDuration(ms)).toBe(text));
  it('ago', () => expect([ago(100, 105_000), ago('0001-01-01T00:00:00Z')]).toEqual(['5 seconds ago', 'N/A']));
});

describe('times', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  it('dates, seconds and durations', () => {
    expect(parseTime('--since', '2026-01-01T00:00:00Z', now)).toBe(String(Date.parse('2026-01-01T00:00:00Z') / 1000));
    expect(parseTime('--since', '10m', now)).toBe(String(now / 1000 - 600));
    expect(parseTime('--since', '1h30m', now)).toBe(String(now / 1000 - 5400));
    expect(parseTime('--since', '1136073600.000000001', now)).toBe('1136073600.000000001');
    expect(() => parseTime('--since', 'yesterday', now)).toThrow(/--since yesterday: not a time/);
  });
});

describe('lists', () => {
  const listing: Listing<{ id: string; size: number }> = {
    columns: { ID: { header: 'ID', value: (r) => r.id }, Size: { header: 'SIZE', value: (r) => String(r.size) } },
    shown: ['ID', 'Size'],
    methods: { Label: (r, name = '') => `${r.id}-${name}` },
  };
  const rows = [
    { id: 'a<b', size: 1 },
    { id: 'second', size: 22 },
  ];
  it('table, quiet, json and templates', () => {
    expect(listText(rows, listing)).toBe('ID        SIZE\na<b       1\nsecond    22\n');
    expect(listText(rows, listing, { quiet: 'ID' })).toBe('a<b\nsecond\n');
    expect(listText(rows, listing, { format: 'json' })).toBe('{"ID":"a\\u003cb","Size":"1"}\n{"ID":"second","Size":"22"}\n');
    expect(listText(rows, listing, { format: '{{.ID}}\\t{{.Label "x"}}' })).toBe('a<b\ta<b-x\nsecond\tsecond-x\n');
    expect(listText(rows, listing, { format: 'table {{.Size}}\t{{.ID}}' })).toBe('SIZE      ID\n1         a<b\n22        second\n');
    expect(() => listText(rows, listing, { format: '{{.Nope}}' })).toThrow(/map has no entry for key "Nope"/);
  });
  it('objects', () => {
    expect(objectText({ a: [1] }, undefined)).toBe('{\n    "a": [\n        1\n    ]\n}\n');
    expect(objectText({ a: [1] }, '{{index .a 0}}')).toBe('1\n');
  });
  it('fit the terminal, and cannot move its cursor', () => {
    const wide = tableText(
      [
        ['NAME', 'COMMAND'],
        ['web', 'x'.repeat(100)],
      ],
      { width: 40 },
    );
    for (const line of wide.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    expect(wide).toContain('…');
    expect(tableText([['A'], ['\x1b[2Jx']])).toBe('A\n?[2Jx\n');
  });
  it('ports', () => {
    expect(
      portText([
        { PrivatePort: 81, PublicPort: 8081, Type: 'tcp', IP: '0.0.0.0' },
        { PrivatePort: 80, PublicPort: 8080, Type: 'tcp', IP: '0.0.0.0' },
        { PrivatePort: 80, PublicPort: 8080, Type: 'tcp', IP: '::' },
        { PrivatePort: 53, Type: 'udp' },
      ]),
    ).toBe('0.0.0.0:8080-8081->80-81/tcp, [::]:8080->80/tcp, 53/udp');
  });
});

describe('progress', () => {
  const messages = [
    { status: 'Pulling from app', id: '1' },
    { status: 'Downloading', id: 'abc', progressDetail: { current: 5, total: 10 } },
    { status: 'Pull complete', id: 'abc', progressDetail: {} },
  ];
  const stream = (list: object[]) => Readable.from([list.map((m) => JSON.stringify(m)).join('\r\n')]);
  const shown = async (list: object[], tty: boolean) => {
    const to = Object.assign(new PassThrough(), { isTTY: tty, columns: 60 });
    let text = '';
    to.on('data', (bytes: Buffer) => {
      text += bytes;
    });
    await showProgress(stream(list), { to: to as unknown as NodeJS.WriteStream });
    return text;
  };
  it('is lines without bars where nobody watches', async () => {
    expect(await shown(messages, false)).toBe('1: Pulling from app\nabc: Pull complete\n');
  });
  it('is one line for each layer on a terminal', async () => {
    expect(await shown(messages, true)).toBe(
      `1: Pulling from app\nabc: Downloading [${'='.repeat(16)}>${' '.repeat(15)}]  5B/10B\n\x1b[1A\r\x1b[2Kabc: Pull complete\r\x1b[1B`,
    );
  });
  it('an error in the stream is thrown', async () => {
    await expect(shown([{ errorDetail: { message: 'denied' }, error: 'denied' }], false)).rejects.toThrow('denied');
  });
  it('a line is never longer than the terminal', () => {
    for (const columns of [10, 30, 80, 200])
      expect(progressLine({ id: 'abc', status: 'Downloading', progressDetail: { current: 1e6, total: 2e6 } }, columns).length).toBeLessThan(
        columns,
      );
  });
});

describe('streams', () => {
  const frame = (stream: number, text: string) => {
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const gathered = async (chunks: Buffer[]) => {
    const [out, err] = [new PassThrough({ highWaterMark: 1 }), new PassThrough()];
    const texts: [string, string] = ['', ''];
    out.on('data', (b: Buffer) => void (texts[0] += b));
    err.on('data', (b: Buffer) => void (texts[1] += b));
    await copyFrames(Readable.from(chunks, { objectMode: true }), out, err);
    return texts;
  };
  it('frames, however they are cut', async () => {
    const all = Buffer.concat([frame(1, 'one'), frame(2, 'two'), frame(1, ''), frame(1, 'three')]);
    for (const size of [1, 3, 7, 8, 100]) {
      const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size));
      expect(await gathered(chunks)).toEqual(['onethree', 'two']);
    }
  });
  it('what is no frame is refused', async () => {
    await expect(gathered([Buffer.from('plain text')])).rejects.toThrow(/broken/);
  });
  it('objects, however they are cut', async () => {
    const text = '{"a":"ä"}\r\n{"a":2}\n\n{"a":3}';
    const bytes = [...Buffer.from(text)].map((byte) => Buffer.from([byte]));
    const found: unknown[] = [];
    for await (const value of jsonLines(Readable.from(bytes))) found.push(value);
    expect(found).toEqual([{ a: 'ä' }, { a: 2 }, { a: 3 }]);
  });
});

describe('cp', () => {
  it('which side is the container', () => {
    expect(placeOf('web:/etc')).toEqual({ container: 'web', path: '/etc' });
    for (const path of ['./a:b', '/a:b', 'a/b:c', '-', 'plain']) expect(placeOf(path)).toEqual({ path });
  });
  const nothing = { exists: false, folder: false };
  const folder = { exists: true, folder: true };
  const file = { exists: true, folder: false };
  it.each([
    ['a', false, '/to', nothing, { folder: '/', name: 'to' }],
    ['a', false, '/to', folder, { folder: '/to', name: 'a' }],
    ['a', false, '/to', file, { folder: '/', name: 'to' }],
    ['dir', true, '/to', nothing, { folder: '/', name: 'to' }],
    ['dir', true, '/to/', nothing, { folder: '/', name: 'to' }],
    ['dir', true, '/to', folder, { folder: '/to', name: 'dir' }],
    ['dir/.', true, '/to', folder, { folder: '/to', name: undefined }],
    ['dir/.', true, '/to', nothing, { folder: '/', name: 'to' }],
  ])('%s (folder: %s) to %s', (source, isFolder, target, there, expected) => {
    expect(landing(source, isFolder, target, there)).toEqual(expected);
  });
  it('what cannot be', () => {
    expect(() => landing('dir', true, '/file', file)).toThrow('cannot copy directory');
    expect(() => landing('a', false, '/to/', nothing)).toThrow('no such directory');
    expect(() => landing('a', false, '/file/', file)).toThrow('not a directory');
  });
  it('names in an archive', () => {
    expect([renamed('dir/', 'dir', 'to'), renamed('dir/a/b', 'dir', 'to'), renamed('dir/a', 'dir', undefined)]).toEqual([
      'to',
      'to/a/b',
      'a',
    ]);
    expect(renamed('dir', 'dir', undefined)).toBeUndefined();
  });
});

it('events', () => {
  const event: EventMessage = {
    Type: 'container',
    Action: 'start',
    Actor: { ID: 'abc', Attributes: { name: 'web', image: 'busybox' } },
    time: 1767225600,
    timeNano: '1767225600123456789',
  };
  expect(eventText(event)).toBe('2026-01-01T00:00:00.123456789Z container start abc (image=busybox, name=web)');
});

it('lsns: own, shared with the host, and shared with each other', () => {
  const inodes = (n: number, more: Owner['inodes'] = {}): Owner['inodes'] => ({
    ...Object.fromEntries(KINDS.map((kind, i) => [kind, n * 100 + i])),
    ...more,
  });
  const host = inodes(1);
  const [a, b] = sharing(
    [
      { name: 'a', pid: 1, inodes: inodes(2, { net: host.net, user: undefined }) },
      { name: 'b', pid: 2, inodes: inodes(3, { ipc: 203 }) },
    ],
    host,
  );
  expect(a).toMatchObject({ net: 'host', user: '?', mnt: '200', ipc: '203' });
  expect(b).toMatchObject({ ipc: '= a', mnt: '300' });
});

it('stats: Docker counts what the kernel would not give back at once, and processors', () => {
  const usage = usageOf(
    {
      read: '',
      cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 2 },
      precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000 },
      memory_stats: { usage: 1000, limit: 2000, stats: { inactive_file: 400 } },
      networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 3, tx_bytes: 4 } },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: 'Read', value: 5 },
          { op: 'write', value: 6 },
        ],
      },
      pids_stats: { current: 7 },
    },
    'id',
    'name',
  );
  expect(usage).toMatchObject({ cpuPercent: 40, memory: 600, received: 4, sent: 6, read: 5, written: 6, pids: 7 });
});

it('monitor: the busiest first, and what does not run without numbers', () => {
  const row = { image: 'i', running: true, memory: 1 << 20, limit: 10 << 20, pids: 1 };
  const text = monitorText(
    [
      { ...row, name: 'calm', status: 'Up', cpuPercent: 1 },
      { ...row, name: 'busy', status: 'Up', cpuPercent: 150 },
      { ...row, name: 'gone', status: 'Exited (0)', running: false, cpuPercent: 0, memory: 0 },
    ],
    new Date('2026-01-01T12:00:00'),
    {},
  );
  expect(text).toContain('minirun 12:00:00: 2 of 3 running, 151.0% of a processor, 2MiB of memory');
  expect(
    text
      .split('\n')
      .slice(3, 6)
      .map((line) => line.split(' ')[0]),
  ).toEqual(['busy', 'calm', 'gone']);
  expect(text).toMatch(/gone +Exited \(0\) +- +-/);
});

it('sizes of a terminal: the last one is the last to arrive, however slow the ones before are', async () => {
  let size = 1;
  const arrived: number[] = [];
  const tell = oneAtATime(async () => {
    const now = size;
    await new Promise((resolve) => setTimeout(resolve, now === 1 ? 30 : 1));
    arrived.push(now);
  });
  const first = tell();
  for (size of [2, 3]) void tell();
  await first;
  expect(arrived).toEqual([1, 3]);
  size = 4;
  await tell();
  expect(arrived).toEqual([1, 3, 4]);
});
