/**
 * `npm run bench`: how long it takes to start a container, run /bin/true in it and clean up, beside
 * the runtimes that are installed. One run, interleaved, so that a busy minute slows all alike.
 *
 * MINIRUN_BENCH_ROUNDS: how often each is run (30). Writes bench/results/node<major>.md and .svg.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from '../src/runc/engine/launch.ts';
import { CLONE, type Contender, contenders, versions } from './contenders.ts';
import { canMeasurePeak, floor, peak } from './memory.ts';
import { plot } from './plot.ts';
import { summarise } from './statistics.ts';
import { aims, type Row, table } from './table.ts';
import { warmStart } from './warm.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 30);
const WARM_UP = 2;

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds from the start of the program until its end is known. @throws Error when it fails */
function cold(contender: Contender): number {
  const [program = '', ...args] = contender.command();
  const start = performance.now();
  const done = spawnSync(program, args, { stdio: 'ignore' });
  const took = performance.now() - start;
  if (done.status !== 0) throw new Error(`${contender.name} worked once and failed later, with exit code ${done.status}`);
  return took;
}

/** Starts in one process before its time is taken. */
const WARM_STARTS = 60;

async function main(): Promise<void> {
  // Where runtimes keep their state: /run is in memory.
  const scratch = mkdtempSync(join(mayWrite('/run') ? '/run' : tmpdir(), 'minirun-bench-'));
  try {
    const { present, absent } = contenders(scratch);
    const warm: { name: string; engine: EngineName; note: string }[] = [];
    for (const engine of ['native', 'ffi'] as const) {
      try {
        // V8 compiles what has run often: a daemon is past that.
        for (let i = 0; i < (engine === 'native' ? WARM_STARTS : 1); i++) await warmStart(scratch, engine);
        const note =
          engine === 'native'
            ? `in a Node process that has started ${WARM_STARTS} before`
            : 'the same, but a second Node is started as init';
        warm.push({ name: `warm start, ${engine}`, engine, note });
      } catch (error) {
        absent.push(`warm start, ${engine} failed: ${(error as Error).message}`);
      }
    }
    const times = new Map<string, number[]>([...present, ...warm].map((c) => [c.name, []]));
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const keep = (name: string, value: number) => round >= 0 && times.get(name)?.push(value);
      for (const contender of present) keep(contender.name, cold(contender));
      for (const w of warm) keep(w.name, await warmStart(scratch, w.engine));
      process.stderr.write(`\rround ${Math.max(0, round + 1)} of ${ROUNDS}`);
    }
    process.stderr.write('\nmemory\n');
    const rows: Row[] = [];
    for (const c of present) {
      const row: Row = { name: c.name, note: c.note, time: summarise(times.get(c.name) ?? []), baseline: c.baseline };
      if (canMeasurePeak()) row.peak = peak(() => c.command());
      const least = c.limits ? floor((limit) => c.command(limit)) : undefined;
      if (least) row.floor = least.bytes;
      rows.push(row);
    }
    for (const w of warm) rows.push({ name: w.name, note: w.note, time: summarise(times.get(w.name) ?? []) });
    if (!canMeasurePeak()) absent.push('peak memory is not measured: /usr/bin/time is not installed (apt-get install time)');
    write(rows, absent);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function write(rows: Row[], absent: string[]): void {
  const folder = join(CLONE, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const name = `node${process.versions.node.split('.')[0]}`;
  const { model = 'unknown processor' } = cpus()[0] ?? {};
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const machine = `${cpus().length} × ${model.trim()}, ${memory}, Linux ${release()}, Node ${process.versions.node}`;
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
  const text = `# Starting a container, Node ${process.versions.node.split('.')[0]}

Time to start a container, run /bin/true in it and clean up; ${rows[0]?.time.runs ?? 0} runs of each, interleaved. Written by \`npm run bench\`${commit ? ` at ${commit}` : ''}.

${machine}. ${versions().join('; ')}.

${table(
  rows,
  rows.find((r) => r.name === 'runc'),
)}

${[...aims(rows), ...absent.map((sentence) => `- Left out: ${sentence}.`)].join('\n')}

Peak memory is the resident size of the largest process that the runtime starts, itself included. The smallest limit is the least
\`--memory\` with which /bin/true still ran three times out of three, to 64 KiB.

![medians](${name}.svg)
`;
  writeFileSync(join(folder, `${name}.md`), text);
  writeFileSync(
    join(folder, `${name}.svg`),
    plot('Start a container, run /bin/true, clean up', `milliseconds, median; line: p10 to p90. ${machine}`, rows),
  );
  process.stdout.write(`${text}\nwritten to bench/results/${name}.md and .svg\n`);
}

await main();
