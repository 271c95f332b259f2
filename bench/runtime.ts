/**
 * The second half of `npm run bench`: minirun-runc as an engine calls it, beside runc and crun, and
 * how much of each command is Node's own start. One run, interleaved.
 *
 * MINIRUN_BENCH_ROUNDS: how often each is run (30). Writes bench/results/runc-node<major>.md.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { CLONE, versions } from './contenders.ts';
import { COMMANDS, type CommandName, type Life, live, type Sleeper, sleeper, together } from './life.ts';
import { measure, type Sample } from './measure.ts';
import { canMeasurePeak, floor, peak } from './memory.ts';
import { coldTable, lifeTable, type Measured } from './runtime-table.ts';
import { bundle, freshId, type Runtime, runtimes } from './runtimes.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 30);
const WARM_UP = 2;
const TOGETHER = 50;
const TOGETHER_ROUNDS = Math.min(5, Math.ceil(ROUNDS / 6));

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const perCommand = (): Record<CommandName, Sample[]> =>
  Object.fromEntries(COMMANDS.map((name) => [name, []])) as unknown as Record<CommandName, Sample[]>;

/** KiB of a container's first process while it waits for `start`, as /proc has it. */
function waiting(runtime: Runtime, scratch: string): number {
  const id = freshId();
  const pidFile = join(scratch, 'pid');
  measure(runtime.argv('create', '--bundle', bundle(scratch, 'true', ['/bin/true']), '--pid-file', pidFile, id));
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${readFileSync(pidFile, 'utf8')}/status`, 'utf8'))?.[1]);
  } finally {
    measure(runtime.argv('delete', '--force', id));
  }
}

function memoryOf(runtime: Runtime, scratch: string): Measured['memory'] {
  const folder = bundle(scratch, 'true', ['/bin/true']);
  let id = '';
  const next = (): string => {
    id = freshId();
    return id;
  };
  const remove = () => {
    const [program = '', ...args] = runtime.argv('delete', '--force', id);
    spawnSync(program, args, { stdio: 'ignore' });
  };
  const least = floor((limit) => runtime.argv('run', '--bundle', bundle(scratch, 'limited', ['/bin/true'], limit), next()), remove);
  return {
    ...(canMeasurePeak() ? { create: peak(() => runtime.argv('create', '--bundle', folder, next()), remove) } : {}),
    waiting: waiting(runtime, scratch),
    ...(least ? { floor: least.bytes } : {}),
  };
}

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(mayWrite('/run') ? '/run' : tmpdir(), 'minirun-bench-'));
  const { present, absent, close } = runtimes(scratch);
  const sleepers = new Map<Runtime, Sleeper>();
  try {
    const empty = join(scratch, 'empty.cjs');
    writeFileSync(empty, '');
    const node: Sample[] = [];
    const results = new Map(present.map((r) => [r, { lives: perCommand(), sums: [] as number[], together: [] as number[] }]));
    for (const runtime of present) sleepers.set(runtime, sleeper(runtime, scratch));
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const own = measure([process.execPath, empty]);
      if (round >= 0) node.push(own);
      for (const [runtime, found] of results) {
        const life: Life = live(runtime, scratch, sleepers.get(runtime) as Sleeper);
        if (round < 0) continue;
        for (const name of COMMANDS) found.lives[name].push(life[name]);
        found.sums.push(life.create.wall + life.start.wall + life.delete.wall);
      }
      process.stderr.write(`\rround ${Math.max(0, round + 1)} of ${ROUNDS}`);
    }
    process.stderr.write(`\n${TOGETHER} at once\n`);
    for (let round = 0; round < TOGETHER_ROUNDS; round++)
      for (const [runtime, found] of results) found.together.push(await together(runtime, scratch, TOGETHER));
    process.stderr.write('memory\n');
    const measured: Measured[] = [...results].map(([runtime, found]) => ({ runtime, ...found, memory: memoryOf(runtime, scratch) }));
    if (!canMeasurePeak()) absent.push('peak memory is not measured: /usr/bin/time is not installed (apt-get install time)');
    write(measured, node, absent);
  } finally {
    for (const { remove } of sleepers.values()) remove();
    close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function write(measured: Measured[], node: Sample[], absent: string[]): void {
  const folder = join(CLONE, 'bench/results');
  mkdirSync(folder, { recursive: true });
  const major = process.versions.node.split('.')[0];
  const { model = 'unknown processor' } = cpus()[0] ?? {};
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
  const text = `# minirun-runc, runc and crun, Node ${major}

What an engine's calls cost: the same config.json, busybox's \`true\`, no network but loopback. ${node.length} runs of each, interleaved; medians. Written by \`npm run bench\`${commit ? ` at ${commit}` : ''}.

${cpus().length} × ${model.trim()}, ${memory}, Linux ${release()}, Node ${process.versions.node}. ${versions()
    .filter((v) => /runc|crun/.test(v))
    .join('; ')}.

## A container's life

${lifeTable(measured, TOGETHER)}

- _create + start + delete_: three commands, as an engine calls them; the sum of their times.
- _${TOGETHER} at once_: so many containers, each created, started and deleted, all begun at the same moment.
- _peak memory_: resident size of the largest process during \`create\`; it is gone when \`create\` returns.
- _waiting_: resident size of the container's first process between \`create\` and \`start\`.
- _smallest limit_: the least memory limit with which \`run\` worked three times out of three, to 64 KiB.

## What of it is Node's start

${coldTable(measured, node)}

Node's own start is that of an empty CommonJS file. Processor time is user and system of the command and of those that it waited for: on a machine with other work it says more than the clock.
${absent.map((sentence) => `\n- Left out: ${sentence}.`).join('')}${measured.flatMap(({ runtime: { name, note } }) => (note ? [`\n- ${name}: ${note}.`] : [])).join('')}
`;
  writeFileSync(join(folder, `runc-node${major}.md`), text);
  process.stdout.write(`${text}\nwritten to bench/results/runc-node${major}.md\n`);
}

await main();
