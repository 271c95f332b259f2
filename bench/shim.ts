/**
 * Part of `npm run bench`: minirun's shim beside containerd's own, each under the real containerd in a
 * sandbox of its own: what idle containers cost in memory, and how long starting one takes.
 *
 * MINIRUN_BENCH_ROUNDS: how often each is run (30). Writes bench/results/shim-node<major>.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { eventually, type Sandbox } from '../test/swap/support/sandbox.ts';
import { containerdWithShim, IMAGE, SHIM } from '../test/swap/support/shim.ts';
import { CLONE } from './contenders.ts';
import { quantile, summarise } from './statistics.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 30);
const IDLE = 50;
const FLAGS = ['-namespace', 'default', '-address', '/run/containerd/containerd.sock', '-publish-binary', 'containerd'];

interface Contender {
  name: string;
  runtime: string;
  /** The shim's program. */
  program: string;
  /** For containerd, which hands it on. */
  env: Record<string, string>;
}

const CONTENDERS: Contender[] = [
  { name: 'containerd-shim-runc-v2', runtime: 'io.containerd.runc.v2', program: 'containerd-shim-runc-v2', env: {} },
  { name: 'minirun, one process', runtime: 'io.containerd.minirun.v1', program: SHIM, env: {} },
  {
    name: 'minirun, one for each',
    runtime: 'io.containerd.minirun.v1',
    program: SHIM,
    env: { MINIRUN_SHIM_GROUP: 'container' },
  },
];

interface Result {
  contender: Contender;
  /** KiB of all shims together: with one container, with IDLE; shared pages in proportion. */
  one: number;
  many: number;
  /** KiB that only they have. */
  own: number;
  shims: number;
  /** ms: IDLE begun at once, and removed again. */
  together: number;
  removed: number;
  /** ms: the command start, of the first container and of a further one; a whole `ctr run --rm`. */
  first: number[];
  further: number[];
  run: number[];
}

const must = async (place: Sandbox, words: string[], env: Record<string, string> = {}): Promise<string> => {
  const answer = await place.run(words, { env, limit: 300 });
  if (answer.code !== 0) throw new Error(`${words.join(' ')}: ${answer.code}: ${answer.err}`);
  return answer.out;
};

/** KiB of a line of smaps_rollup, summed over all shims (proc_pid_smaps(5)). */
async function memory(place: Sandbox): Promise<{ shims: number; pss: number; own: number }> {
  const text = await must(place, [
    'sh',
    '-c',
    'for p in $(pgrep -f "^(containerd-shim-minirun-v1 .*-socket|[^ ]*containerd-shim-runc-v2 -namespace)"); do echo shim; cat /proc/$p/smaps_rollup; done',
  ]);
  const sum = (line: RegExp) => [...text.matchAll(line)].reduce((total, [, kib]) => total + Number(kib), 0);
  return { shims: text.split('shim\n').length - 1, pss: sum(/^Pss:\s+(\d+)/gm), own: sum(/^Private_(?:Clean|Dirty):\s+(\d+)/gm) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 3000));

async function measure(contender: Contender): Promise<Result> {
  const { place } = await containerdWithShim(['containerd-shim-minirun-v1'], contender.env);
  const runtime = ['--runtime', contender.runtime];
  try {
    const timed = async (rounds: number, calls: { words: string[]; cwd: string }[], env: Record<string, string> = {}) =>
      JSON.parse(
        await must(place, ['node', join(CLONE, 'bench/shim-inside.cjs'), JSON.stringify({ rounds, calls })], { ...contender.env, ...env }),
      ) as number[][];
    const begin = (id: string) => must(place, ['ctr', 'run', ...runtime, '-d', IMAGE, id, 'sleep', '1000']);
    const gone = () => eventually('all shims have ended', async () => (await memory(place)).shims === 0, 60);

    // The bundles of containers that start alone is asked for.
    for (let n = 0; n <= ROUNDS; n++) {
      mkdirSync(join(place.folder, `b${n}`));
      writeFileSync(join(place.folder, `b${n}`, 'config.json'), '{"ociVersion":"1.0.2"}');
      // What containerd's shim wants for its `delete`.
      writeFileSync(join(place.folder, `b${n}`, 'runtime'), 'runc');
    }
    const folder = (n: string) => join(place.folder, `b${n}`);
    const call = (n: string, ...words: string[]) => ({ words: [contender.program, ...FLAGS, '-id', `b${n}`, ...words], cwd: folder(n) });
    const start = call('*', 'start');
    const remove = call('*', '-bundle', folder('*'), 'delete');
    // Each finds no process, as the one before has ended meanwhile.
    const [first = []] = await timed(ROUNDS, [start, remove, { words: ['sleep', '0.2'], cwd: '/' }], { MINIRUN_SHIM_LINGER: '0' });
    await place.run(['pkill', '-f', 'containerd-shim-runc-v2 -namespace']);
    await gone();
    // Another container is there already.
    await timed(1, [call(String(ROUNDS), 'start')]);
    const [further = []] = await timed(ROUNDS, [start, remove]);
    await timed(1, [call(String(ROUNDS), '-bundle', folder(String(ROUNDS)), 'delete')]);
    await place.run(['pkill', '-f', 'containerd-shim-runc-v2 -namespace']);

    await begin('idle-0');
    const [run = []] = await timed(ROUNDS, [{ words: ['ctr', 'run', ...runtime, '--rm', IMAGE, 'run-*', 'true'], cwd: '/' }]);
    await settled();
    const one = await memory(place);
    const ids = Array.from({ length: IDLE - 1 }, (_, n) => `idle-${n + 1}`);
    const each = (command: string) => must(place, ['sh', '-c', `for n in $(seq ${IDLE - 1}); do ${command} & done; wait`]);
    const before = performance.now();
    await each(`ctr run ${runtime.join(' ')} -d ${IMAGE} idle-$n sleep 1000`);
    const together = performance.now() - before;
    const running = (await must(place, ['ctr', 'task', 'ls', '-q'])).trim().split('\n').length;
    if (running !== ids.length + 1) throw new Error(`${contender.name}: ${running} containers run, and ${ids.length + 1} were begun`);
    await settled();
    const many = await memory(place);
    const after = performance.now();
    await each('ctr task rm -f idle-$n > /dev/null 2>&1');
    const removed = performance.now() - after;
    return { contender, one: one.pss, many: many.pss, own: many.own, shims: many.shims, together, removed, first, further, run };
  } finally {
    await place.end();
  }
}

const ms = (values: readonly number[]): string =>
  `${summarise(values).median.toFixed(1)} (${quantile(
    [...values].sort((a, b) => a - b),
    0.9,
  ).toFixed(1)})`;
const mb = (kib: number): string => (kib / 1024).toFixed(2);

const results: Result[] = [];
for (const contender of CONTENDERS) {
  process.stderr.write(`${contender.name} …\n`);
  results.push(await measure(contender));
}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
const [theirs, ours] = results as [Result, Result];
const share = ours.many / theirs.many;
const major = process.versions.node.split('.')[0];
const text = `# The shim, Node ${major}

minirun's shim beside containerd's own under the real containerd (${spawnSync('containerd', ['--version'], { encoding: 'utf8' }).stdout.trim().split(' ')[2]}), each in a sandbox; runc for the one, minirun's own runtime in the shim's process for the other. ${ROUNDS} runs, medians; in brackets nine tenths are faster. Written by \`npm run bench\`${commit ? ` at ${commit}` : ''}.

${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}.

## Memory of idle containers

|  | processes at ${IDLE} | PSS with one | PSS with ${IDLE} | for each of ${IDLE} | private, for each |
| --- | --: | --: | --: | --: | --: |
${results.map((r) => `| ${r.contender.name} | ${r.shims} | ${mb(r.one)} MiB | ${mb(r.many)} MiB | ${mb(r.many / IDLE)} MiB | ${mb(r.own / IDLE)} MiB |`).join('\n')}

- PSS, from smaps_rollup: the pages that only a process has, and its part of those that it shares. The measuring Node shares the program's pages with the shim.
- minirun to containerd-shim-runc-v2 at ${IDLE}: ${share.toFixed(2)} (aim: at most 0.50; ${share <= 0.5 ? 'met' : 'not met'}).

## Time

|  | start, the first | start, a further one | ctr run --rm | ${IDLE - 1} at once | removing them |
| --- | --: | --: | --: | --: | --: |
${results.map((r) => `| ${r.contender.name} | ${ms(r.first)} ms | ${ms(r.further)} ms | ${ms(r.run)} ms | ${(r.together / 1000).toFixed(2)} s | ${(r.removed / 1000).toFixed(2)} s |`).join('\n')}

- _start_: the shim's command as containerd calls it, until its address is printed and its output is closed.
- _ctr run --rm_: of busybox's \`true\`, while another container of the namespace runs.
`;
writeFileSync(join(CLONE, 'bench/results', `shim-node${major}.md`), text);
process.stdout.write(text);
