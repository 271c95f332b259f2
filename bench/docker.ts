/**
 * Part of `npm run bench`: minirund beside dockerd and podman, each in a sandbox of its own, in turns.
 * The same docker command line drives minirund and dockerd, so its own start is part of both.
 *
 * MINIRUN_BENCH_ROUNDS: how often each command is timed (30). Writes bench/results/docker-node<major>.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { BUSYBOX_TAR } from '../test/swap/support/runtime.ts';
import { hasProgram, type Sandbox, sandboxWith } from '../test/swap/support/sandbox.ts';
import { CLONE } from './contenders.ts';
import { summarise } from './statistics.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 30);
const IDLE = 50;
const SOCKET = 'unix:///run/bench.sock';
const DOCKER = ['docker', '-H', SOCKET];

interface Contender {
  name: string;
  /** The words before a command. */
  client: string[];
  place: Sandbox;
  env: Record<string, string>;
  /** As `pgrep -f` wants them: the processes that serve; those of containers are not among them. */
  daemons: string[];
}

const must = async (contender: Pick<Contender, 'place' | 'env'>, words: string[], limit = 300): Promise<string> => {
  const answer = await contender.place.run(words, { env: contender.env, limit });
  if (answer.code !== 0) throw new Error(`${words.join(' ')}: ${answer.code}: ${answer.err}`);
  return answer.out;
};

/** @param daemon its command; none for podman */
const contender = (
  name: string,
  client: string[],
  daemon: string[] | undefined,
  daemons: string[],
  env: Record<string, string> = {},
): Promise<Contender> =>
  sandboxWith(async (place) => {
    if (daemon) await place.daemon(name, daemon, [...client, 'version'], { limit: 3600 });
    const found = { name, client, place, env, daemons };
    await must(found, [...client, 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
    return found;
  });

async function open(): Promise<Contender[]> {
  const all: Contender[] = [];
  const program = join(CLONE, 'bin/minirund');
  all.push(
    await contender(
      'minirund',
      DOCKER,
      [program, '-H', SOCKET],
      ['dist/../bin/minirund|bin/minirund', 'containerd-shim-minirun-v1 .*-socket'],
    ),
  );
  if (hasProgram('dockerd'))
    all.push(
      await contender(
        'dockerd',
        DOCKER,
        ['dockerd', '-H', SOCKET, '--group', 'root'],
        ['^dockerd', '^containerd ', 'containerd-shim-runc-v2 -namespace'],
      ),
    );
  if (hasProgram('podman')) {
    const place = await contender('podman', ['podman'], undefined, ['conmon'], { CONTAINERS_CONF: join(CLONE, 'bench/podman.conf') });
    all.push(place);
  }
  return all;
}

/** What is timed; `*` is the number of the round. `before` and `after` are not. */
interface Job {
  name: string;
  before?: string[];
  command: string[];
  after?: string[];
}

const JOBS: Job[] = [
  { name: 'run --rm, network none', command: ['run', '--rm', '--network', 'none', 'busybox', 'true'] },
  { name: 'run --rm, network host', command: ['run', '--rm', '--network', 'host', 'busybox', 'true'] },
  { name: 'run -d', command: ['run', '-d', '--name', 'd*', '--network', 'none', 'busybox', 'sleep', '1000'], after: ['rm', '-f', 'd*'] },
  { name: 'exec', command: ['exec', 'stays', 'true'] },
  { name: 'rm -f', before: ['run', '-d', '--name', 'r*', '--network', 'none', 'busybox', 'sleep', '1000'], command: ['rm', '-f', 'r*'] },
  { name: 'ps', command: ['ps'] },
];

/** Docker's `rm -f` kills at once, podman's asks first and waits for ten seconds. */
const forceful = (client: string[], words: string[]): string[] =>
  client[0] === 'podman' && words[0] === 'rm' ? ['rm', '-t', '0', ...words.slice(1)] : words;

/** Milliseconds of one command, measured inside of the sandbox. */
async function timed({ place, env, client }: Contender, job: Job, round: number): Promise<number> {
  const whole = (words: string[] | undefined) =>
    words ? [[...client, ...forceful(client, words).map((word) => word.replace('*', String(round)))]] : [];
  const calls = [...whole(job.before), ...whole(job.command), ...whole(job.after)];
  const answer = await place.run(['node', join(CLONE, 'bench/shim-inside.cjs'), JSON.stringify({ folder: place.folder, calls })], { env });
  if (answer.code !== 0) throw new Error(`${job.name}: ${answer.err}`);
  return (JSON.parse(answer.out) as number[])[job.before ? 1 : 0] as number;
}

/** KiB of all processes that serve, shared pages in proportion. */
async function memory({ place, daemons }: Contender): Promise<number> {
  const script = `for p in $(pgrep -f '${daemons.join('|')}'); do [ "$p" = $$ ] || cat /proc/$p/smaps_rollup 2>/dev/null; done; true`;
  const { out } = await place.run(['sh', '-c', script]);
  return [...out.matchAll(/^Pss:\s+(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

interface Scale {
  /** ms: so many begun at once, and removed again. */
  ten: number;
  fifty: number;
  removed: number;
  /** KiB of the daemons, without containers and with IDLE. */
  empty: number;
  full: number;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 4000));

async function scale(found: Contender): Promise<Scale> {
  const { client } = found;
  const words = client.join(' ');
  const each = async (count: number, command: string): Promise<number> => {
    const begin = performance.now();
    await must(found, ['sh', '-c', `for n in $(seq ${count}); do ${command} >/dev/null & done; wait`], 600);
    return performance.now() - begin;
  };
  const run = `${words} run -d --network none --name idle-$n busybox sleep 1000`;
  const remove = `${words} ${forceful(client, ['rm', '-f']).join(' ')} idle-$n`;
  await settled();
  const empty = await memory(found);
  const ten = await each(10, run);
  await each(10, remove);
  const fifty = await each(IDLE, run);
  const running = (await must(found, [...client, 'ps', '-q'])).trim().split('\n').length;
  if (running < IDLE) throw new Error(`${found.name}: ${running} containers run, and ${IDLE} were begun`);
  await settled();
  const full = await memory(found);
  const removed = await each(IDLE, remove);
  return { ten, fifty, removed, empty, full };
}

const all = await open();
const times = new Map<string, Map<string, number[]>>(all.map(({ name }) => [name, new Map(JOBS.map((job) => [job.name, []]))]));
const scales = new Map<string, Scale>();
const absent: string[] = [];
try {
  for (const found of all) {
    process.stderr.write(`${found.name}: many at once …\n`);
    try {
      scales.set(found.name, await scale(found));
    } catch (error) {
      if (found.name === 'minirund') throw error;
      absent.push(`${found.name} is left out: ${(error as Error).message}`);
      process.stderr.write(`${absent.at(-1)}\n`);
    }
  }
  for (const gone of all.filter(({ name }) => !scales.has(name))) {
    all.splice(all.indexOf(gone), 1);
    await gone.place.end();
  }
  for (const found of all)
    await must(found, [...found.client, 'run', '-d', '--name', 'stays', '--network', 'none', 'busybox', 'sleep', '100000']);
  for (const job of JOBS) {
    process.stderr.write(`${job.name} …\n`);
    for (let round = -2; round < ROUNDS; round++) {
      for (const found of all) {
        const ms = await timed(found, job, round + 2);
        if (round >= 0) times.get(found.name)?.get(job.name)?.push(ms);
      }
    }
  }
} finally {
  for (const { place } of all) await place.end();
}

const median = (name: string, job: string): number => summarise(times.get(name)?.get(job) ?? []).median;
const others = all.slice(1).map(({ name }) => name);
const ratio = (ours: number, theirs: number | undefined): string => (theirs === undefined ? '' : `${(ours / theirs).toFixed(2)}`);
const cell = (job: string, name: string): string => {
  const { median: middle, p90 } = summarise(times.get(name)?.get(job) ?? []);
  return `${middle.toFixed(0)} (${p90.toFixed(0)})`;
};
const scaled = (key: keyof Scale, name: string): number => scales.get(name)?.[key] ?? Number.NaN;
const perContainer = (name: string): number => (scaled('full', name) - scaled('empty', name)) / IDLE / 1024;
const seconds = (key: keyof Scale, title: string): string =>
  `| ${title} | ${all.map(({ name }) => `${(scaled(key, name) / 1000).toFixed(2)} s`).join(' | ')} | ${others.map((name) => ratio(scaled(key, 'minirund'), scaled(key, name))).join(' | ')} |`;
const mib = (value: (name: string) => number, title: string): string =>
  `| ${title} | ${all.map(({ name }) => `${value(name).toFixed(2)} MiB`).join(' | ')} | ${others.map((name) => ratio(value('minirund'), value(name))).join(' | ')} |`;
const aim = (job: string, wanted: number): string => {
  if (!others.includes('dockerd')) return '';
  const is = median('minirund', job) / median('dockerd', job);
  return `- ${job}: ${is.toFixed(2)} of dockerd's time (aim: ${wanted.toFixed(2)}; ${is <= wanted ? 'met' : 'not met'}).`;
};
const versions = [
  `docker CLI ${spawnSync('docker', ['--version'], { encoding: 'utf8' })
    .stdout.trim()
    .replace(/^Docker version /, '')}`,
  spawnSync('dockerd', ['--version'], { encoding: 'utf8' }).stdout?.trim(),
  spawnSync('podman', ['--version'], { encoding: 'utf8' }).stdout?.trim(),
].filter(Boolean);
const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
const major = process.versions.node.split('.')[0];
const parallel = scaled('fifty', 'minirund') / scaled('fifty', 'dockerd');
const text = `# minirund, Node ${major}

minirund beside dockerd and podman, each in a sandbox, in turns: medians of ${ROUNDS} runs, in brackets nine tenths are faster. The docker command line is the same for minirund and dockerd; its own start is part of each time. Written by \`MINIRUN_BENCH=docker npm run bench\`${commit ? ` at ${commit}` : ''}.

${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}; ${versions.join('; ')}.

| ms | ${all.map(({ name }) => name).join(' | ')} | ${others.map((name) => `minirund : ${name}`).join(' | ')} |
| --- | ${all.map(() => '--:').join(' | ')} | ${others.map(() => '--:').join(' | ')} |
${JOBS.map(({ name }) => `| ${name} | ${all.map((one) => cell(name, one.name)).join(' | ')} | ${others.map((other) => ratio(median('minirund', name), median(other, name))).join(' | ')} |`).join('\n')}
${seconds('ten', '10 × run -d at once')}
${seconds('fifty', `${IDLE} × run -d at once`)}
${seconds('removed', `${IDLE} × rm -f at once`)}

| memory (PSS) | ${all.map(({ name }) => name).join(' | ')} | ${others.map((name) => `minirund : ${name}`).join(' | ')} |
| --- | ${all.map(() => '--:').join(' | ')} | ${others.map(() => '--:').join(' | ')} |
${mib((name) => scaled('empty', name) / 1024, 'daemons, no container')}
${mib((name) => scaled('full', name) / 1024, `daemons and shims, ${IDLE} idle containers`)}
${mib(perContainer, 'for each idle container')}

${[aim('run --rm, network none', 0.2), aim('run --rm, network host', 0.2), aim('exec', 1 / 3)].filter(Boolean).join('\n')}
${Number.isNaN(parallel) ? '' : `- ${IDLE} at once: ${parallel.toFixed(2)} of dockerd's time (aim: 0.20; ${parallel <= 0.2 ? 'met' : 'not met'}).`}
${absent.map((sentence) => `- ${sentence}.\n`).join('')}`;
writeFileSync(join(CLONE, 'bench/results', `docker-node${major}.md`), text);
process.stdout.write(text);
