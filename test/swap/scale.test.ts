/**
 * Many containers on one containerd: at once, side by side, and one after the other.
 *
 * `npm run soak` runs the whole form (200 side by side, 1,000 one after the other), also with
 * containerd's own shim, and prints what each used; MINIRUN_SOAK_RESULTS names a file for the table.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, type DaemonName, daemonWith, type RUNTIMES } from './support/daemon.ts';
import { type Footprint, footprint, nothingLeft, pssOf, settled } from './support/footprint.ts';
import { makeFifo, readFifo } from './support/reader.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';
import { floorGrowth } from './support/trend.ts';

const SOAK = process.env.MINIRUN_SOAK !== undefined;
const AT_ONCE = SOAK ? 50 : 20;
const IDLE = SOAK ? [50, 200] : [50, 60];
const CYCLES = SOAK ? 1000 : 60;
const SAMPLES = SOAK ? 40 : 4;
const WARM_UP = SOAK ? 500 : 10;
const LIMIT_MS = SOAK ? 1_200_000 : 60_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
/** Half of what containerd's shim uses for each of 50 containers, KiB. */
const MOST_PSS = 1325;
/** A leak of one page with each cycle, KiB. */
const MOST_GROWTH = 4;
const SIGKILL = 9;
/** Until everybody is idle, and V8 has given back what it does not need: it takes its time. */
const IDLE_MS = SOAK ? 30_000 : 0;

type ShimName = keyof typeof RUNTIMES;
const PAIRS: [DaemonName, ShimName][] = [
  ['containerd', 'ours'],
  ['minirun-containerd', 'ours'],
  ...(SOAK ? ([['containerd', 'runc']] as [DaemonName, ShimName][]) : []),
];

const reason = noRuntime() ?? (hasProgram('containerd') && hasProgram('ctr') ? undefined : 'needs the programs containerd and ctr');
if (reason) console.log(`scale: skipped, ${reason}`);

/** RSS, KiB. */
interface Sample {
  daemon: number;
  shims: number;
}

/** Rows of the table, by pair. */
const measured = new Map<string, Map<string, string>>();
const ms = (since: number): number => Math.round(performance.now() - since);
const mib = (kib: number): string => `${(kib / 1024).toFixed(2)} MiB`;

describe.skipIf(reason).each(PAIRS)('%s on the shim %s', (name, shim) => {
  let daemon: Daemon;
  const rows = new Map<string, string>();
  beforeAll(async () => {
    daemon = await daemonWith(name, shim, 7200);
    measured.set(`${name}, ${shim === 'ours' ? 'minirun’s shim' : 'containerd-shim-runc-v2'}`, rows);
  });
  afterAll(async () => {
    await daemon?.place.end();
    const table = tableOf(measured);
    if (SOAK) console.log(table);
    if (process.env.MINIRUN_SOAK_RESULTS) writeFileSync(process.env.MINIRUN_SOAK_RESULTS, table);
  });

  const begin = async (id: string): Promise<void> => {
    await daemon.client().make(id, daemon.pattern, ['sleep', '100000']);
    await daemon.client().start(id);
  };
  const end = async (id: string): Promise<void> => {
    await daemon.client().tasks.kill({ containerId: id, signal: SIGKILL });
    expect(await daemon.client().finish(id)).toBe(128 + SIGKILL);
    await daemon.client().unmake(id);
  };
  test(`${AT_ONCE} at once`, { timeout: LIMIT_MS }, async () => {
    await begin('stays-1');
    const before = await settled(daemon);
    const ids = Array.from({ length: AT_ONCE }, (_, n) => `at-once-${n}`);
    let since = performance.now();
    await Promise.all(ids.map(begin));
    rows.set(`${AT_ONCE} started at once`, `${ms(since)} ms`);
    expect((await daemon.client().tasks.list({})).tasks).toHaveLength(AT_ONCE + 1);
    since = performance.now();
    await Promise.all(ids.map(end));
    rows.set(`${AT_ONCE} killed and deleted at once`, `${ms(since)} ms`);
    await nothingLeft(daemon, before);
    await end('stays-1');
  });

  test(`${IDLE.at(-1)} side by side`, { timeout: LIMIT_MS }, async () => {
    await begin('stays-2');
    const before = await settled(daemon);
    const ids: string[] = [];
    for (const count of IDLE) {
      const since = performance.now();
      const had = ids.length;
      while (ids.length < count) {
        const id = `idle-${ids.length}`;
        ids.push(id);
        await begin(id);
      }
      rows.set(`start, one after the other, up to ${count}`, `${(ms(since) / (count - had)).toFixed(0)} ms each`);
      await sleep(IDLE_MS);
      const { daemon: own, shims } = await footprint(daemon);
      rows.set(`PSS of the shims, for each of ${count} idle containers`, mib(pssOf(shims) / (count + 1)));
      rows.set(`PSS of the daemon with ${count} idle containers`, mib(own.pss));
      if (shim === 'ours') {
        expect(shims).toHaveLength(1);
        if (SOAK) expect(pssOf(shims) / (count + 1)).toBeLessThan(MOST_PSS);
      }
    }
    expect((await daemon.client().tasks.list({})).tasks).toHaveLength(ids.length + 1);
    const exec = await daemon.ctr(['task', 'exec', '--exec-id', 'x', ids.at(-1) as string, 'echo', 'here']);
    expect(exec).toMatchObject({ code: 0, out: 'here\n' });
    await Promise.all(ids.map(end));
    await nothingLeft(daemon, before);
    await end('stays-2');
  });

  test(`${CYCLES} one after the other`, { timeout: LIMIT_MS }, async () => {
    // So that it is the same shim all the time.
    await begin('stays-3');
    const cycle = async (n: number) => {
      const id = `cycle-${n}`;
      const path = join(daemon.place.folder, id);
      makeFifo(path);
      const reader = readFifo(path);
      await daemon.client().make(id, daemon.pattern, ['sh', '-c', `echo ${id}; exit ${n % 100}`]);
      // containerd's shim wants both.
      await daemon.client().start(id, { stdout: path, stderr: path });
      await daemon.client().tasks.wait({ containerId: id });
      // Before Delete, which waits for who reads late.
      expect(reader.text()).toBe(`${id}\n`);
      expect(await daemon.client().finish(id)).toBe(n % 100);
      reader.close();
      await daemon.client().unmake(id);
      rmSync(path);
    };
    for (let n = 0; n < WARM_UP; n++) await cycle(n);
    await sleep(IDLE_MS);
    const before = await settled(daemon);
    const samples: Sample[] = [];
    let spent = 0;
    for (let n = 0; n < CYCLES; n++) {
      const since = performance.now();
      await cycle(n);
      spent += performance.now() - since;
      if (n % Math.ceil(CYCLES / SAMPLES) === 0) {
        const now = await footprint(daemon);
        samples.push({ daemon: now.daemon.rss, shims: now.shims.reduce((sum, { rss }) => sum + rss, 0) });
      }
    }
    rows.set('one cycle: create, start, wait, delete', `${(spent / CYCLES).toFixed(0)} ms`);
    await sleep(IDLE_MS);
    const after = await nothingLeft(daemon, before);
    for (const what of ['threads', 'descriptors'] as const) {
      rows.set(`${what} of the daemon, before and after ${CYCLES} cycles`, `${before.daemon[what]}, ${after.daemon[what]}`);
      const sum = ({ shims }: Footprint) => shims.reduce((total, use) => total + use[what], 0);
      rows.set(`${what} of the shims, before and after ${CYCLES} cycles`, `${sum(before)}, ${sum(after)}`);
      // Go starts threads as it likes.
      const spare = what === 'threads' ? 6 : 2;
      expect(after.daemon[what]).toBeLessThanOrEqual(before.daemon[what] + spare);
      expect(sum(after)).toBeLessThanOrEqual(sum(before) + spare);
    }
    const rss = ({ shims }: Footprint) => shims.reduce((sum, use) => sum + use.rss, 0);
    const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample];
    // The shim gives back what it does not need when it is idle; the daemon's heap is at its lowest after each collection.
    const growth = {
      shims: (rss(after) - rss(before)) / CYCLES,
      daemon: floorGrowth(
        samples.map((sample) => sample.daemon),
        CYCLES,
      ),
    };
    rows.set(`RSS of the shims, idle, before and after ${CYCLES} cycles`, `${mib(rss(before))}, ${mib(rss(after))}`);
    for (const who of ['daemon', 'shims'] as const) {
      rows.set(`RSS of the ${who} after the first cycle and the last`, `${mib(first[who])}, ${mib(last[who])}`);
      rows.set(`growth of the ${who}, without garbage`, `${growth[who].toFixed(1)} KiB a cycle`);
      // A short run cannot tell a leak from a heap that has not been swept yet.
      if (SOAK) expect(growth[who]).toBeLessThan(MOST_GROWTH);
      else expect(last[who] - first[who]).toBeLessThan(65_536);
    }
    await end('stays-3');
  });
});

function tableOf(columns: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  const names = [...new Set([...columns.values()].flatMap((rows) => [...rows.keys()]))];
  return [
    '# Many containers on one containerd',
    '',
    `Made by \`npm run soak\` on ${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}.`,
    'Idle containers run `sleep`; memory is without that of the containers themselves. A client speaks gRPC to the daemon.',
    '',
    `| | ${[...columns.keys()].join(' | ')} |`,
    `|---|${'---|'.repeat(columns.size)}`,
    ...names.map((name) => `| ${name} | ${[...columns.values()].map((rows) => rows.get(name) ?? '').join(' | ')} |`),
    '',
  ].join('\n');
}
