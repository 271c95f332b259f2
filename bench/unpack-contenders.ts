/** Who unpacks images. Each has a fresh folder of its own for every run. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openContent } from '../src/containerd/content/store.ts';
import { applyLayer } from '../src/containerd/layers/apply.ts';
import { openOverlay } from '../src/containerd/snapshots/overlay.ts';
import { childrenCpu } from './cpu-time.ts';
import { blobsOf, type Image } from './unpack-images.ts';

/** Milliseconds. */
export interface Taken {
  wall: number;
  /** Of all processors, user and system, of all processes that had to do with it. */
  cpu: number;
}

export interface Unpacker {
  name: string;
  note: string;
  /** The program that must be there. */
  needs?: string;
  /** @param folder empty, its own */
  time(image: Image, folder: string): Promise<Taken>;
}

function timed(argv: string[]): Taken {
  const [program = '', ...args] = argv;
  const [start, before] = [performance.now(), childrenCpu()];
  const done = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  const took = { wall: performance.now() - start, cpu: childrenCpu() - before };
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: ${done.stderr?.trim() || done.error?.message}`);
  return took;
}

/** The blobs into a content store, verified; the layer into a snapshot; committed. As a daemon does it. */
export async function unpackHere(image: Pick<Image, 'layout'>, folder: string): Promise<void> {
  const { all, layer, diffId } = blobsOf(image.layout);
  const content = openContent(join(folder, 'content'));
  const snapshots = await openOverlay(join(folder, 'snapshots'));
  try {
    for (const digest of all) {
      const ingest = await content.ingest(digest, { expected: digest });
      for await (const piece of createReadStream(join(image.layout, 'blobs/sha256', digest.slice(7)), { highWaterMark: 1 << 20 })) {
        await ingest.write(piece);
      }
      await ingest.commit({ digest });
    }
    const applied = await applyLayer(await snapshots.prepare('unpack', ''), content.read(layer));
    if (applied.digest !== diffId) throw new Error(`the diff ID is ${applied.digest}, not ${diffId}`);
    await snapshots.commit(diffId, 'unpack');
  } finally {
    await snapshots.close();
  }
}

/** Processor time of a process that runs, and of its children that have ended, in milliseconds: proc_pid_stat(5). */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const TICK = 10;
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * TICK, 0);
}

/** containerd, waiting for commands. A new one for each run: it would remember the layer. */
async function withContainerd<T>(folder: string, use: (address: string, pid: number) => T): Promise<T> {
  const address = join(folder, 'containerd.sock');
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${address}"\n`,
  );
  // Its mounts are its own, and end with it.
  const daemon: ChildProcess = spawn('unshare', ['-m', 'containerd', '-c', config], { stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  try {
    for (let i = 0; spawnSync('ctr', ['-a', address, 'version']).status !== 0; i++) {
      if (i > 100) throw new Error('containerd does not answer');
      await sleep(100);
    }
    return use(address, daemon.pid as number);
  } finally {
    daemon.kill();
    await ended;
  }
}

export const unpackers = (program: string): Unpacker[] => [
  {
    name: 'minirun',
    note: 'content store, overlayfs snapshot, in a process that runs already, as the daemon does',
    time: async (image, folder) => {
      const [start, before] = [performance.now(), process.cpuUsage()];
      await unpackHere(image, folder);
      const { user, system } = process.cpuUsage(before);
      return { wall: performance.now() - start, cpu: (user + system) / 1000 };
    },
  },
  {
    name: 'minirun, cold',
    note: 'the same with a Node started for it',
    time: async (image, folder) => timed([process.execPath, program, 'here', image.layout, folder]),
  },
  {
    name: 'containerd',
    note: '`ctr image import`, which unpacks into overlayfs, of a containerd that runs already',
    needs: 'containerd',
    time: (image, folder) =>
      withContainerd(folder, (address, pid) => {
        const before = cpuOf(pid);
        const { wall, cpu } = timed(['ctr', '-a', address, 'image', 'import', image.archive]);
        return { wall, cpu: cpu + cpuOf(pid) - before };
      }),
  },
  {
    name: 'skopeo',
    note: '`skopeo copy` into containers-storage, overlay',
    needs: 'skopeo',
    time: async (image, folder) =>
      timed([
        'unshare',
        '-m',
        'skopeo',
        '--insecure-policy',
        'copy',
        `oci:${image.layout}:latest`,
        `containers-storage:[overlay@${folder}/root+${folder}/run]example.org/${image.name}:latest`,
      ]),
  },
  {
    name: 'umoci',
    note: '`umoci unpack` into a bundle; it lists all files with their hashes as well',
    needs: 'umoci',
    time: async (image, folder) => timed(['umoci', 'unpack', '--image', `${image.layout}:latest`, join(folder, 'bundle')]),
  },
  {
    name: 'tar',
    note: 'GNU `tar -xzf` of the layer: no digest, no store',
    needs: 'tar',
    time: async (image, folder) => {
      mkdirSync(join(folder, 'root'));
      return timed(['tar', '-C', join(folder, 'root'), '-xpzf', image.layer]);
    },
  },
];
