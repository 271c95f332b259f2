/** Our containerd, killed while it imports, unpacks, creates and deletes: what is seen afterwards is whole, and nothing leaks. */
import { describe, expect, test } from 'vitest';
import { ctrOn, IMAGE, minirunContainerd, placeFor, ROOT } from './support/minirun-containerd.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('ctr') ? undefined : 'needs the program ctr');
if (reason) console.log(`minirun-containerd-kills: skipped, ${reason}`);

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

  test('import and unpack: an image is there wholly or not, and a second try succeeds', async () => {
    let broken = 0;
    for (let afterMs = 20; afterMs <= 200; afterMs += 36) {
      if (!(await killDuring(['images', 'import', place().archive], afterMs))) broken++;
      const images = await ok(['images', 'ls', '-q']);
      // Its content is complete; whether it is unpacked is another matter.
      if (images !== '') expect(await ok(['images', 'check'])).toMatch(/complete \(2\/2\)/);
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
      await ok(['images', 'import', place().archive]);
      expect(await ok(['run', '--runtime', RUNTIME, '--rm', IMAGE, 'whole', 'echo', 'whole'])).toBe('whole');
      await removeAll();
      await eventually('nothing is left', async () => (await onDisk()) === '');
    }
    // Otherwise all kills came too early or too late.
    expect(broken).toBeGreaterThan(0);
  });
  // The shim ends `runc create` together with the daemon; killed before it has written its state down, runc
  // leaves empty cgroups that its own `delete --force` does not know of. crash.test.ts asks that of our runtime.
  const emptyCgroups = RUNTIME === 'io.containerd.runc.v2' ? 'find /sys/fs/cgroup -depth -type d -name cut -exec rmdir {} +; ' : '';
  /** Mounts, bundles, cgroups and processes of the container `cut`, and how many. */
  const left = () =>
    inside(
      `grep -c /rootfs /proc/self/mountinfo; find /run/containerd/io.containerd.runtime.v2.task ${ROOT}/io.containerd.runtime.v2.task -mindepth 2; ${emptyCgroups}find /sys/fs/cgroup -type d -name cut; pgrep -x sleep`,
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
