/** Who looks after a real engine sees what it asks of minirun's parts: MINIRUN_EXPLAIN in the daemon's environment. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ociArchive } from './support/image.ts';
import { OUR_CONTAINERD } from './support/minirun-containerd.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram, type Sandbox, sandboxWith } from './support/sandbox.ts';
import { containerdWithShim, IMAGE, type ShimPlace } from './support/shim.ts';

const reason = noRuntime() ?? (hasProgram('containerd') && hasProgram('ctr') ? undefined : 'needs the programs containerd and ctr');
if (reason) console.log(`seams: skipped, ${reason}`);

describe.skipIf(reason)('the real containerd on the shim', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-seams-'));
  let running: ShimPlace | undefined;
  afterAll(async () => {
    await running?.place.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('each of its messages is told, by the shim that gets it, with what it sets going', async () => {
    const file = join(folder, 'told');
    running = await containerdWithShim(['containerd-shim-minirun-v1'], { MINIRUN_EXPLAIN: file });
    const run = ['ctr', 'run', '--rm', '--runtime', 'io.containerd.minirun.v1', IMAGE, 'box', 'sh', '-c', 'exit 5'];
    expect(await running.place.run(run)).toMatchObject({ code: 5 });
    const blocks = () =>
      readFileSync(file, 'utf8')
        .split(/^(?=== )/m)
        .slice(1);
    const of = (name: string) => blocks().filter((b) => b.startsWith(`== ${name} `));
    await eventually('the end is told', async () => of('Task/Delete').length > 0);
    expect(of('Task/Create')[0]).toMatch(/containerd → shim {2}Task\/Create .*ttrpc\n/);
    expect(of('Task/Create')[0]).toMatch(/rootfs \[\{type "overlay"/);
    expect(of('Task/Create')[0]).toMatch(/│ ┌ 2 {2}shim → runc {2}create/);
    expect(of('Task/Start')[0]).toMatch(/execve\("\/bin\/sh", \["sh", "-c", "exit 5"\]/);
    expect(of('Task/Wait')[0]).toMatch(/└ 1 {2}= exit_status 5/);
    expect(blocks().filter((b) => /┌ 1 {2}shim → containerd {2}Events\/Forward \/tasks\/exit/.test(b))).toHaveLength(1);
  });
});

describe.skipIf(reason)('the real ctr on minirun-containerd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-seams-'));
  let running: Sandbox | undefined;
  afterAll(async () => {
    await running?.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('its requests are told, and what containerd asks of the shim because of them', async () => {
    const file = join(folder, 'told');
    running = await sandboxWith(async (place) => {
      await place.daemon('minirun-containerd', [OUR_CONTAINERD], ['ctr', 'version'], { env: { MINIRUN_EXPLAIN: file } });
      return place;
    });
    const ctr = async (...words: string[]) => (await running?.run(['ctr', ...words]))?.code;
    expect(await ctr('images', 'import', ociArchive(running.folder, IMAGE))).toBe(0);
    expect(await ctr('run', '--rm', '--runtime', 'io.containerd.minirun.v1', IMAGE, 'box', 'true')).toBe(0);
    const text = readFileSync(file, 'utf8');
    const create = text.split(/^(?=== )/m).find((b) => b.startsWith('== Tasks/Create box'));
    expect(create).toMatch(/┌ 1 {2}a client → containerd {2}Tasks\/Create .*gRPC\n/);
    expect(create).toMatch(/│ ┌ 2 {2}containerd → shim {2}start .*a new process\n/);
    expect(create).toMatch(/│ ┌ 3 {2}containerd → shim {2}Task\/Create .*ttrpc\n/);
    // The shim tells its part under the same heading as with any containerd.
    expect(text).toMatch(/shim → runc {2}create/);
    expect(text.match(/→ shim {2}Task\/Create/g)).toHaveLength(1);
  });
});
