/** Our containerd, killed while it imports, unpacks, creates and deletes: what is seen afterwards is whole, and nothing leaks. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ociArchive } from './support/image.ts';
import { ctrOn, IMAGE, minirunContainerd, placeFor, ROOT, registry } from './support/minirun-containerd.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('ctr') ? undefined : 'needs the program ctr');
if (reason) console.log(`minirun-containerd-kills: skipped, ${reason}`);

const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
const RUNTIME = hasProgram('containerd-shim-runc-v2') ? 'io.containerd.runc.v2' : 'io.containerd.minirun.v1';

describe.skipIf(reason)('minirun-containerd is killed', () => {
  const place = placeFor(minirunContainerd);
  const { ctr, ok, inside, away } = ctrOn(place);
  /** Begins a command, kills the daemon after so many milliseconds, and starts it again. */
  const killDuring = async (args: string[], afterMs: number) => {
    const running = ctr(args);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await place().stop('KILL');
    await place().start();
    // ctr goes on trying for as long as nobody answers, and may well succeed now.
    const { code } = await running;
    return code === 0;
  };
  const lines = (text: string) => text.split('\n').filter(Boolean);
  /** Files and folders that are there though no record needs them. */
  const onDisk = () =>
    inside(
      `find ${ROOT}/io.containerd.content.v1.content/blobs/sha256 ${ROOT}/io.containerd.content.v1.content/ingest ${ROOT}/io.containerd.snapshotter.v1.*/snapshots -mindepth 1 -maxdepth 1 | sort`,
    );
  const removeAll = async () => {
    for (const lease of lines(await ok(['leases', 'ls', '-q']))) await ok(['leases', 'rm', lease]);
    for (const image of lines(await ok(['images', 'ls', '-q']))) await ok(['images', 'rm', '--sync', image]);
  };

  /** What clients may rely on after a crash: an image that is listed is complete, and content is what its digest says. */
  const allIsWhole = async (blobs: number) => {
    const images = await ok(['images', 'ls', '-q']);
    // Its content is complete; whether it is unpacked is another matter.
    if (images !== '') expect(await ok(['images', 'check'])).toContain(`complete (${blobs}/${blobs})`);
    for (const line of lines(await ok(['snapshots', 'ls'])).slice(1)) {
      const key = line.split(/\s+/)[0]!;
      const usage = await ctr(['snapshots', 'usage', key]);
      // One whose lease ended with ctr may be collected while we look.
      if (usage.code !== 0) expect(usage.err).toContain(`snapshot ${key} does not exist: not found`);
    }
    for (const digest of lines(await ok(['content', 'ls', '-q']))) {
      const found = await inside(`ctr content get ${digest} | sha256sum`);
      expect(`sha256:${found.split(' ')[0]}`).toBe(digest);
    }
  };

  test('import and unpack: an image is there wholly or not, and a second try succeeds', async () => {
    const since = performance.now();
    await ok(['images', 'import', place().archive]);
    const usual = performance.now() - since;
    await removeAll();
    let broken = 0;
    // Six moments; more of them when each of those came too early or too late.
    for (let round = 1; round <= 6 || (broken === 0 && round <= 24); round++) {
      if (!(await killDuring(['images', 'import', place().archive], (usual * ((round * 5) % 24)) / 24))) broken++;
      await allIsWhole(2);
      await ok(['images', 'import', place().archive]);
      expect(await ok(['run', '--runtime', RUNTIME, '--rm', IMAGE, 'whole', 'echo', 'whole'])).toBe('whole');
      await removeAll();
      await eventually('nothing is left', async () => (await onDisk()) === '');
    }
    expect(broken).toBeGreaterThan(0);
  });

  test.skipIf(!hasProgram('docker-registry'))(
    'pull from a registry (only with docker-registry): the next daemon goes on where it was',
    { timeout: 180_000 * SLOWNESS },
    async () => {
      const { sandbox, stop, start } = place();
      const LAYER = 48 << 20;
      const hold = join(sandbox.folder, 'hold');
      const behind = (await registry(place())).split(':')[1] as string;
      const proxy = [process.execPath, join(import.meta.dirname, 'support/holding-proxy.mjs'), '5001', behind, hold];
      await sandbox.daemon('proxy', proxy, ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/5001']);
      const name = '127.0.0.1:5001/big:latest';
      writeFileSync(join(sandbox.folder, 'random'), randomBytes(LAYER));
      const { stdout: layer } = spawnSync('tar', ['-C', sandbox.folder, '-c', 'random'], { maxBuffer: 2 * LAYER });
      rmSync(join(sandbox.folder, 'random'));
      await ok(['images', 'import', ociArchive(join(sandbox.folder, 'big'), name, [layer])]);
      await ok(['images', 'push', '--plain-http', name]);
      const pull = ['images', 'pull', '--plain-http', name];
      /** Bytes of the largest ingest. */
      const arrived = `stat -c %s ${ROOT}/io.containerd.content.v1.content/ingest/*/data 2>/dev/null | sort -n | tail -1`;
      for (const share of [0.1, 0.4, 0.8]) {
        await removeAll();
        await eventually('nothing is left', async () => (await onDisk()) === '');
        writeFileSync(hold, String(Math.round(share * LAYER)));
        // What ctr has not sent yet is less.
        const bytes = share * LAYER - (2 << 20);
        const pulling = ctr(pull);
        await eventually(`${bytes} bytes are there`, async () => Number(await inside(arrived)) >= bytes);
        await stop('KILL');
        rmSync(hold);
        expect((await pulling).code).not.toBe(0);
        await start();
        expect(Number(await inside(arrived))).toBeGreaterThanOrEqual(bytes);
        await allIsWhole(3);
        const log = join(sandbox.folder, 'registry.log');
        const before = readFileSync(log, 'utf8').length;
        await ok(pull);
        // 206: a part of the layer was asked for, the one that was missing.
        expect(readFileSync(log, 'utf8').slice(before)).toMatch(/GET \/v2\/big\/blobs\/\S+ HTTP\/1\.1" 206 /);
        await allIsWhole(3);
        expect(await ok(['run', '--runtime', RUNTIME, '--rm', name, 'whole', 'wc', '-c', '/random'])).toBe(`${LAYER} /random`);
      }
      await removeAll();
      await eventually('nothing is left', async () => (await onDisk()) === '');
    },
  );
  // The shim ends `runc create` together with the daemon; killed before it has written its state down, runc
  // leaves empty cgroups that its own `delete --force` does not know of. crash.test.ts asks that of our runtime.
  const emptyCgroups = RUNTIME === 'io.containerd.runc.v2' ? 'find /sys/fs/cgroup -depth -type d -name cut -exec rmdir {} +; ' : '';
  /** Mounts (the host's own are seen as well), bundles, cgroups and processes of the container `cut`, and how many. */
  const left = () =>
    inside(
      `grep -c ' /run/containerd/.*/rootfs ' /proc/self/mountinfo; find /run/containerd/io.containerd.runtime.v2.task ${ROOT}/io.containerd.runtime.v2.task -mindepth 2; ${emptyCgroups}find /sys/fs/cgroup -type d -name cut; pgrep -x sleep`,
    );
  const nothingLeft = async (before: string) => {
    const now = async () => `${await left()}\n${await onDisk()}`;
    const wanted = `0\n${before}`;
    await eventually('nothing is left', async () => (await now()) === wanted).catch(async () => expect(await now()).toBe(wanted));
  };
  test('run and delete: nothing of a container that was not finished is left', async () => {
    await ok(['images', 'import', place().archive]);
    // Only what is needed: the archive's index is not.
    await ok(['leases', 'create', '--id', 'none']);
    await ok(['leases', 'rm', '--sync', 'none']);
    const before = await onDisk();
    for (let afterMs = 10; afterMs <= 250; afterMs += 48) {
      await killDuring(['run', '--runtime', RUNTIME, '-d', IMAGE, 'cut', 'sleep', '1000'], afterMs);
      // Found again as it is, or gone: a task that is listed can be deleted.
      await away('cut');
      await removeLeases();
      await nothingLeft(before);
    }
    for (let afterMs = 5; afterMs <= 125; afterMs += 30) {
      await ok(['run', '--runtime', RUNTIME, '-d', IMAGE, 'cut', 'sleep', '1000']);
      await killDuring(['task', 'rm', '-f', 'cut'], afterMs);
      await away('cut');
      await nothingLeft(before);
    }
  });
  const removeLeases = async () => {
    for (const lease of lines(await ok(['leases', 'ls', '-q']))) await ok(['leases', 'rm', lease]);
  };
});
