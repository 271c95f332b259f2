/**
 * `MINIRUN_BENCH=pull npm run bench`: pulling an image from a registry on this machine, beside
 * containerd (ctr) and skopeo. Interleaved, so that a busy minute slows all alike; every round begins
 * with empty stores. Writes bench/results/pull-node<major>.md.
 *
 * MINIRUN_BENCH_ROUNDS: how often each is run (10).
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { openContainerd } from '../src/containerd/containerd.ts';
import { digestOf } from '../src/containerd/content/digest.ts';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../src/containerd/registry/media-types.ts';
import { defaultPlatform } from '../src/containerd/registry/platform.ts';
import { adopt } from '../src/containerd/transfer/adopt.ts';
import { writeContent } from '../src/containerd/transfer/content.ts';
import { storesOf } from '../src/containerd/transfer/stores.ts';
import { type Transfers, transfersOf } from '../src/containerd/transfer/transfers.ts';
import { noRegistry, startRegistry } from '../test/integration/support/docker-registry.ts';
import { summarise } from './statistics.ts';

const ROUNDS = Number(process.env.MINIRUN_BENCH_ROUNDS ?? 10);
const MIB = 1 << 20;

/** A containerd of ours with nothing in it. */
async function ours(folder: string) {
  rmSync(folder, { recursive: true, force: true });
  const quiet = { program: '', shimFolders: [], log: () => {}, writeLog: () => {}, debug: false };
  const containerd = await openContainerd({ root: join(folder, 'root'), state: join(folder, 'state'), address: '', ...quiet });
  const snapshotter = containerd.services.snapshots.has('overlayfs') ? 'overlayfs' : 'native';
  const stores = storesOf(containerd.services, 'bench', snapshotter);
  return { stores, transfers: transfersOf(stores), close: () => containerd.close() };
}

/** An image of so many layers that cannot be compressed: one file each. */
async function layered(stores: ReturnType<typeof storesOf>, name: string, count: number, size: number): Promise<void> {
  await stores.leased(async (leased) => {
    const { content, images } = leased;
    const keep = async (mediaType: string, bytes: Buffer) => {
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
      await writeContent(content, descriptor, bytes);
      return descriptor;
    };
    const scratch = mkdtempSync(join(tmpdir(), 'minirun-bench-layer-'));
    try {
      const layers = [];
      for (let i = 0; i < count; i++) {
        writeFileSync(join(scratch, `file${i}`), randomBytes(size));
        const tar = spawnSync('tar', ['-C', scratch, '-c', `file${i}`], { maxBuffer: size + MIB });
        layers.push(await keep(OCI_LAYER, tar.stdout));
      }
      const config = { ...defaultPlatform(), config: {}, rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } };
      const stored = await keep(OCI_CONFIG, Buffer.from(JSON.stringify(config)));
      const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: stored, layers };
      const target = await keep(OCI_MANIFEST, Buffer.from(JSON.stringify(manifest)));
      await adopt(leased, target, { unpack: false });
      await images.put({ name, target });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

/** Debian's containerd with everything of its own, in a mount namespace of its own. */
async function theirs(folder: string) {
  mkdirSync(folder, { recursive: true });
  const socket = join(folder, 'c.sock');
  const config = `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
`;
  writeFileSync(join(folder, 'config.toml'), config);
  const daemon = spawn('unshare', ['-m', 'containerd', '-c', join(folder, 'config.toml'), '-l', 'error'], { stdio: 'ignore' });
  const ctr = (...args: string[]) => spawnSync('ctr', ['-a', socket, ...args], { encoding: 'utf8' });
  for (let i = 0; ctr('version').status !== 0; i++) {
    if (i === 100) throw new Error('containerd did not start');
    await pause(100);
  }
  return {
    ctr,
    stop: async () => {
      const ended = new Promise((done) => daemon.once('exit', done));
      daemon.kill();
      await ended;
    },
  };
}

interface Contender {
  name: string;
  /** Milliseconds of one pull into empty stores. */
  pull(image: string): Promise<number>;
}

const timed = async (act: () => unknown): Promise<number> => {
  const start = performance.now();
  await act();
  return performance.now() - start;
};

function demand(done: { status: number | null; stderr?: string | null }, what: string): void {
  if (done.status !== 0) throw new Error(`${what}: ${done.stderr}`);
}

async function main(): Promise<void> {
  const reason = noRegistry();
  if (reason) return console.log(`pull: skipped, ${reason}`);
  const scratch = mkdtempSync(join(tmpdir(), 'minirun-bench-pull-'));
  const registry = await startRegistry();
  const peer = await theirs(join(scratch, 'containerd'));
  // Ended from outside, it must not leave two daemons behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void Promise.all([peer.stop(), registry.stop()]).finally(() => process.exit(1)));
  }
  try {
    const source = await ours(join(scratch, 'source'));
    const images: { name: string; what: string }[] = [];
    const send = async (transfers: Transfers, name: string, what: string) => {
      await transfers.push(name);
      images.push({ name, what });
    };
    const debian = join(import.meta.dirname, '../../rootfs-fixtures/build/debian');
    const folder = existsSync(debian) ? debian : 'rootfs-fixtures/build/debian';
    if (existsSync(folder)) {
      const tar = spawn('tar', ['-C', folder, '-cz', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const name = `${registry.host}/debian:one`;
      await source.transfers.import(Readable.from(tar.stdout), { name });
      await send(source.transfers, name, 'Debian, one layer, gzip');
    }
    const name = `${registry.host}/layers:eight`;
    await layered(source.stores, name, 8, 32 * MIB);
    await send(source.transfers, name, 'eight layers of 32 MiB, incompressible');
    await source.close();

    const contenders: Contender[] = [
      {
        name: 'minirun',
        pull: async (image) => {
          const { transfers, close } = await ours(join(scratch, 'ours'));
          try {
            return await timed(() => transfers.pull(image));
          } finally {
            await close();
          }
        },
      },
      {
        name: 'ctr image pull',
        pull: async (image) => {
          const took = await timed(() =>
            demand(peer.ctr('image', 'pull', '--plain-http', '--snapshotter', 'overlayfs', image), 'ctr image pull'),
          );
          demand(peer.ctr('image', 'rm', '--sync', image), 'ctr image rm');
          demand(peer.ctr('content', 'prune', 'references'), 'ctr content prune');
          return took;
        },
      },
      {
        name: 'minirun, without unpacking',
        pull: async (image) => {
          const { transfers, close } = await ours(join(scratch, 'ours'));
          try {
            return await timed(() => transfers.pull(image, { unpack: false }));
          } finally {
            await close();
          }
        },
      },
      {
        name: 'skopeo copy to a folder, which unpacks nothing',
        pull: async (image) => {
          const place = join(scratch, 'skopeo');
          const took = await timed(() =>
            demand(
              spawnSync('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${image}`, `dir:${place}`], { encoding: 'utf8' }),
              'skopeo',
            ),
          );
          rmSync(place, { recursive: true, force: true });
          return took;
        },
      },
    ];
    const times = new Map<string, number[]>();
    for (let round = -1; round < ROUNDS; round++) {
      for (const image of images) {
        for (const contender of contenders) {
          const took = await contender.pull(image.name);
          const key = `${image.what}\n${contender.name}`;
          if (round >= 0) times.set(key, [...(times.get(key) ?? []), took]);
        }
      }
    }
    const version = spawnSync('ctr', ['--version'], { encoding: 'utf8' }).stdout.trim();
    const lines = [
      `# Pulling, Node ${process.versions.node.split('.')[0]}`,
      '',
      `From docker-registry on 127.0.0.1 into empty stores, unpacked into overlayfs snapshots where nothing else is said. ${ROUNDS} pulls each, interleaved; milliseconds. Written by \`MINIRUN_BENCH=pull npm run bench\`.`,
      '',
      `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}. ${version}. minirun is a daemon that is running, as containerd is; ctr's own start (some 20 ms) is in its time.`,
    ];
    for (const { what } of images) {
      lines.push('', `## ${what}`, '', '|  | median | p10 | least |', '| --- | --: | --: | --: |');
      for (const contender of contenders) {
        const { median, p10, min } = summarise(times.get(`${what}\n${contender.name}`) ?? []);
        lines.push(`| ${contender.name} | ${median.toFixed(0)} | ${p10.toFixed(0)} | ${min.toFixed(0)} |`);
      }
    }
    const text = `${lines.join('\n')}\n`;
    writeFileSync(`bench/results/pull-node${process.versions.node.split('.')[0]}.md`, text);
    console.log(text);
  } finally {
    await peer.stop();
    await registry.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

await main();
