/** Podman (with conmon) on minirun-runc. */
import { describe } from 'vitest';
import { client } from './support/engine.ts';
import { everyday } from './support/everyday.ts';
import { podman } from './support/podman.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('podman') ? undefined : 'needs the program podman');
if (reason) console.log(`podman: skipped, ${reason}`);

describe.skipIf(reason)('podman', () => {
  const commands = client(podman);
  everyday('podman', commands);
});
