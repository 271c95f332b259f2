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
    'for p in $(pgrep -f "^(containerd-shim-minirun-v1 .*-socket|[^ ]*containerd-shim-runc-v2 -namespace)"); do echo shim; cat /proc/$p/smaps_rollup 2> /dev/null; done; true',
  ]);
  const sum = (line: RegExp) => [...text.matchAll(line)].reduce((total, [, kib]) => total + Number(kib), 0);
  return { shims: text.split('shim\n').length - 1, pss: sum(/^Pss:\s+(\d+)/gm), own: sum(/^Private_(?:Clean|Dirty):\s+(\d+)/gm) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 3000));

/** A contender's sandbox. */
interface Place {
  contender: Contender;
  place: Sandbox;
  /** ms of each call, made in the sandbox one after another; `*` stands for the number. */
  timed(number: number, ...calls: string[][]): Promise<number[]>;
  gone(): Promise<void>;
}

async function open(contender: Contender): Promise<Place> {
  const { place } = await containerdWithShim(['containerd-shim-minirun-v1'], contender.env);
  for (let n = 0; n <= ROUNDS; n++) {
    mkdirSync(join(place.folder, `b${n}`));
    writeFileSync(join(place.folder, `b${n}`, 'config.json'), '{"ociVersion":"1.0.2"}');
    // What containerd's shim wants for its `delete`.
    writeFileSync(join(place.folder, `b${n}`, 'runtime'), 'runc');
  }
  return {
    contender,
    place,
    async timed(number, ...calls) {
      const request = {
        folder: join(place.folder, `b${number}`),
        calls: calls.map((words) => words.map((word) => word.replaceAll('*', String(number)))),
      };
      const env = { ...contender.env, MINIRUN_SHIM_LINGER: '0' };
      return JSON.parse(await must(place, ['node', join(CLONE, 'bench/shim-inside.cjs'), JSON.stringify(request)], env)) as number[];
    },
    async gone() {
      // Those of containerd's kind that were started alone do not end by themselves.
      await place.run(['pkill', '-f', 'containerd-shim-runc-v2 -namespace']);
      await eventually('all shims have ended', async () => (await memory(place)).shims === 0, 60);
    },
  };
}

/** IDLE containers: begun at once, weighed, removed. */
async function weigh({ contender, place, gone }: Place): Promise<Pick<Result, 'one' | 'many' | 'own' | 'shims' | 'together' | 'removed'>> {
  const command = (id: string) => `ctr run --runtime ${contender.runtime} -d ${IMAGE} ${id} sleep 1000`;
  const each = (words: string) => must(place, ['sh', '-c', `for n in $(seq ${IDLE - 1}); do ${words} & done; wait`]);
  await must(place, command('idle-0').split(' '));
  await settled();
  const one = await memory(place);
  const before = performance.now();
  await each(command('idle-$n'));
  const together = performance.now() - before;
  const running = (await must(place, ['ctr', 'task', 'ls', '-q'])).trim().split('\n').length;
  if (running !== IDLE) throw new Error(`${contender.name}: ${running} containers run, and ${IDLE} were begun`);
  await settled();
  const many = await memory(place);
  const after = performance.now();
  await each('ctr task rm -f idle-$n > /dev/null 2>&1');
  const removed = performance.now() - after;
  await must(place, ['sh', '-c', 'ctr task rm -f idle-0; ctr c rm $(ctr c ls -q)']);
  await gone();
  return { one: one.pss, many: many.pss, own: many.own, shims: many.shims, together, removed };
}

/** Times, in turns: the machine does other things too, and it should do them to all. */
async function time(places: Place[], results: Map<Place, Pick<Result, 'first' | 'further' | 'run'>>): Promise<void> {
  const call = ({ contender }: Place, ...words: string[]) => [contender.program, ...FLAGS, '-id', 'b*', ...words];
  const remove = (place: Place) => call(place, '-bundle', join(place.place.folder, 'b*'), 'delete');
  const inTurns = async (act: (place: Place, round: number, result: Pick<Result, 'first' | 'further' | 'run'>) => Promise<void>) => {
    for (let round = 0; round < ROUNDS; round++) for (const [place, result] of results) await act(place, round, result);
  };
  await inTurns(async (place, round, { first }) => {
    const [start = Number.NaN] = await place.timed(round, call(place, 'start'), remove(place));
    first.push(start);
    await place.gone();
  });
  // Another container is there already.
  for (const place of places) await place.timed(ROUNDS, call(place, 'start'));
  await inTurns(async (place, round, { further }) => {
    const [start = Number.NaN] = await place.timed(round, call(place, 'start'), remove(place));
    further.push(start);
  });
  for (const place of places) {
    await place.timed(ROUNDS, remove(place));
    await place.gone();
    await must(place.place, ['ctr', 'run', '--runtime', place.contender.runtime, '-d', IMAGE, 'stays', 'sleep', '1000']);
  }
  await inTurns(async (place, round, { run }) => {
    const [whole = Number.NaN] = await place.timed(round, [
      'ctr',
      'run',
      '--runtime',
      place.contender.runtime,
      '--rm',
      IMAGE,
      'run-*',
      'true',
    ]);
    run.push(whole);
  });
}

const ms = (values: readonly number[]): string =>
  `${summarise(values).median.toFixed(1)} (${quantile(
    [...values].sort((a, b) => a - b),
    0.9,
  ).toFixed(1)})`;
const mb = (kib: number): string => (kib / 1024).toFixed(2);

const places: Place[] = [];
const results: Result[] = [];
try {
  for (const contender of CONTENDERS) places.push(await open(contender));
  for (const place of places) {
    process.stderr.write(`${place.contender.name}: memory …\n`);
    results.push({ contender: place.contender, first: [], further: [], run: [], ...(await weigh(place)) });
  }
  process.stderr.write('time …\n');
  await time(places, new Map(places.map((place, n) => [place, results[n] as Result])));
} finally {
  for (const { place } of places) await place.end();
}
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
const [theirs, ours] = results as [Result, Result];
const share = ours.many / theirs.many;
const major = process.versions.node.split('.')[0];
const text = `# The shim, Node ${major}

minirun's shim beside containerd's own under the real containerd (${spawnSync('containerd', ['--version'], { encoding: 'utf8' }).stdout.trim().split(' ')[2]}), each in a sandbox; runc for the one, minirun's own runtime in the shim's process for the other. ${ROUNDS} runs, in turns; medians; in brackets nine tenths are faster. Written by \`npm run bench\`${commit ? ` at ${commit}` : ''}.

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
