/** minirun's client on the real dockerd. */
import { describe } from 'vitest';
import { ownClientOnDocker } from './support/own-client.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';
import { tutorial } from './support/tutorial.ts';

const reason = noRuntime() ?? (hasProgram('docker') && hasProgram('dockerd') ? undefined : 'needs the programs docker and dockerd');
if (reason) console.log(`client-dockerd: skipped, ${reason}`);

describe.skipIf(reason)("minirun's client on dockerd", () => {
  tutorial(ownClientOnDocker);
});
