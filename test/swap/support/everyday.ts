/** What people do every day with docker and podman, whose commands are the same. */
import { expect, test } from 'vitest';
import type { Client } from './engine.ts';
import { everydayCommands } from './everyday/commands.ts';
import { exec } from './everyday/exec.ts';
import { files } from './everyday/files.ts';
import { limits } from './everyday/limits.ts';
import { neighbours } from './everyday/neighbours.ts';
import { run } from './everyday/run.ts';
import { states } from './everyday/states.ts';

export function everyday(name: 'docker' | 'podman', client: Client): void {
  const commands = everydayCommands(name, client);
  const { ok, engine } = client;
  run(commands);
  exec(commands);
  states(commands);
  limits(commands);
  neighbours(commands);
  files(commands);
  test('nothing stays when all is removed', async () => {
    expect(await ok(['ps', '-aq'])).toBe('');
    const { place } = engine();
    const left = await place.run([
      'sh',
      '-c',
      'find /sys/fs/cgroup -type d -name "*[0-9a-f]*" | grep -E "[0-9a-f]{64}"; mount | grep -c " on /var/lib/.*overlay.*/merged "; ls /run/runc /run/minirun-runc /run/docker/runtime-*/moby 2>/dev/null',
    ]);
    expect(left.out.replace(/^\/run.*$/gm, '').trim()).toBe('0');
  });
}
