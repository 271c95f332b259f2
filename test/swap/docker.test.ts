/** Docker (dockerd, its containerd and shim) on minirun-runc. */
import { describe } from 'vitest';
import { docker } from './support/docker.ts';
import { client } from './support/engine.ts';
import { everyday } from './support/everyday.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`docker: skipped, ${reason}`);

describe.skipIf(reason)('docker', () => {
  const commands = client(docker);
  everyday('docker', commands);
});
