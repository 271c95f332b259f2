/**
 * `MINIRUN_BENCH=unpack npm run bench`: how long it takes to take in an image of one layer, beside
 * containerd, skopeo, umoci and tar. As root. Interleaved; what was unpacked is removed at the very
 * end: ext4 makes files slowly for some seconds after so many were removed.
 *
 * MINIRUN_BENCH_ROUNDS: how often (5). MINIRUN_BENCH_FOLDER: where (the folder for temporary files);
 * on a tmpfs, the disk and what else is written to it count for nothing. Writes bench/results/unpack-node<major>.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { CLONE } from './contenders.ts';
import { type Summary, summarise } from './statistics.ts';
import { type Taken, type Unpacker, unpackers, unpackHere } from './unpack-contenders.ts';
import { type Image, images } from './unpack-images.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 5);

const version = (...argv: [string, ...string[]]): string => {
  const [program, ...args] = argv;
  return spawnSync(program, args, { encoding: 'utf8' }).stdout?.split('\n')[0]?.trim() ?? '';
};

async function main(): Promise<void> {
  const scratch = mkdtempSync(join(process.env.MINIRUN_BENCH_FOLDER ?? tmpdir(), 'minirun-unpack-'));
  try {
    const { present, absent } = images(scratch);
    const all = unpackers(process.argv[1] as string);
    const able = all.filter(({ needs }) => needs === undefined || spawnSync('sh', ['-c', `command -v ${needs}`]).status === 0);
    for (const { name } of all) if (!able.some((u) => u.name === name)) absent.push(`${name}: it is not installed`);
    const times = new Map<Image, Map<Unpacker, Taken[]>>(present.map((image) => [image, new Map(able.map((u) => [u, []]))]));
    let number = 0;
    // The first round is for caches and for V8; nobody's counts.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [image, found] of times) {
        for (const [unpacker, list] of found) {
          const folder = join(scratch, `run${number++}`);
          mkdirSync(folder);
          spawnSync('sync');
          const took = await unpacker.time(image, folder);
          if (round > 0) list.push(took);
        }
      }
      process.stderr.write(`\rround ${round} of ${ROUNDS}`);
    }
    process.stderr.write('\n');
    write(times, absent, version('stat', '-f', '-c', '%T', scratch));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function write(times: Map<Image, Map<Unpacker, Taken[]>>, absent: string[], fileSystem: string): void {
  const major = process.versions.node.split('.')[0];
  const { model = 'unknown processor' } = cpus()[0] ?? {};
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: CLONE, encoding: 'utf8' }).stdout?.trim();
  const all = [...times];
  const [, first] = all[0] as (typeof all)[number];
  const cells = (taken: Taken[]): string => {
    const wall: Summary = summarise(taken.map((t) => t.wall));
    const cpu: Summary = summarise(taken.map((t) => t.cpu));
    return `${wall.median.toFixed(0)} (${wall.min.toFixed(0)}) | ${cpu.median.toFixed(0)}`;
  };
  const rows = [...first.keys()].map(
    (unpacker) => `| ${unpacker.name} | ${all.map(([, found]) => cells(found.get(unpacker) ?? [])).join(' | ')} |`,
  );
  const text = `# Unpacking an image, Node ${major}

Milliseconds until an image of one gzipped layer is in the store and unpacked: median of ${ROUNDS} (and the least), and of processor time, interleaved, on ${fileSystem}. Written by \`MINIRUN_BENCH=unpack npm run bench\`${commit ? ` at ${commit}` : ''}.

${cpus().length} × ${model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}. ${[version('containerd', '--version'), version('skopeo', '--version'), version('umoci', '--version'), version('tar', '--version')].filter(Boolean).join('; ')}.

|  | ${all.map(([image]) => `${image.name} | processor`).join(' | ')} |
| --- | ${all.map(() => '--: | --:').join(' | ')} |
${rows.join('\n')}

${all.map(([image]) => `- _${image.name}_: ${image.note}.`).join('\n')}
${[...first.keys()].map(({ name, note }) => `- ${name}: ${note}.`).join('\n')}
${absent.map((sentence) => `- Left out: ${sentence}.\n`).join('')}`;
  const folder = join(CLONE, 'bench/results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `unpack-node${major}.md`), text);
  process.stdout.write(`${text}\nwritten to bench/results/unpack-node${major}.md\n`);
}

const [, , command, layout = '', folder = ''] = process.argv;
if (command === 'here') await unpackHere({ layout }, folder);
else await main();
