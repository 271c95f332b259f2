/** Everyday life of containers, typed into the unchanged docker command line: minirund beside the real dockerd. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';
import { play } from './support/scene.ts';
import { files } from './support/scenes/files.ts';
import { inside } from './support/scenes/inside.ts';
import { lifecycle } from './support/scenes/lifecycle.ts';
import { looking } from './support/scenes/looking.ts';
import { run } from './support/scenes/run.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund: skipped, ${reason}`);
const compared = hasProgram('dockerd');
if (!reason && !compared) console.log('minirund: not compared, because dockerd is not installed');

describe.skipIf(reason)('minirund', () => {
  let ours: DockerDaemon;
  let real: DockerDaemon | undefined;
  undoFailed(() => [ours, real]);
  beforeAll(async () => {
    [ours, real] = await Promise.all([dockerDaemon('minirund'), compared ? dockerDaemon('dockerd') : undefined]);
  });
  afterAll(async () => {
    await Promise.all([ours?.place.end(), real?.place.end()]);
  });

  for (const scene of [...run, ...lifecycle, ...looking, ...inside, ...files]) test(scene.name, () => play(scene, ours, real));

  test('nothing is left of all these containers', async () => {
    expect(await ours.ok(['ps', '-aq'])).toBe('');
  });
});
