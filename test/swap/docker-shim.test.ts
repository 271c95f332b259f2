/** Docker (dockerd and its containerd) on minirun's shim, and minirun-runc below that. */
import { describe, expect, test } from 'vitest';
import { docker } from './support/docker.ts';
import { client } from './support/engine.ts';
import { everyday } from './support/everyday.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('docker') && hasProgram('dockerd') ? undefined : 'needs the programs docker and dockerd');
if (reason) console.log(`docker on the shim: skipped, ${reason}`);

describe.skipIf(reason)('docker on the shim', () => {
  const commands = client(() => docker({ shim: true }));
  everyday('docker', commands);
  test('it is minirun that holds the containers, all in one process', async () => {
    const { ok, engine } = commands;
    try {
      for (const name of ['one', 'two']) await ok(['run', '-d', '--name', name, 'busybox', 'sleep', '100']);
      const shims = await engine().place.run(['pgrep', '-fc', 'dist/containerd-shim-minirun-v1|containerd-shim-runc-v2']);
      expect(shims.out).toBe('1\n');
    } finally {
      await ok(['rm', '-f', 'one', 'two']);
    }
  });
});
