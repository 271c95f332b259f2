/** The start of a container from a Node process that is there already: what a daemon does. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { runContainer } from '../src/runc/container/run.ts';
import type { EngineName } from '../src/runc/engine/launch.ts';
import { plainConfig } from './contenders.ts';

let number = 0;

/**
 * Runs /bin/true in a container until it is gone again.
 * @returns milliseconds
 * @throws Error when the container does not end with 0
 */
export async function warmStart(scratch: string, engine: EngineName): Promise<number> {
  const id = `bench-warm-${process.pid}-${number++}`;
  const [stdin, stdout] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'w')];
  // Made before the clock runs, as it is for runc and crun.
  const config = plainConfig(id);
  const start = performance.now();
  try {
    const request = { stateRoot: join(scratch, 'warm'), id, name: id, config, bundle: '/', engine, remove: true, warn: () => {} };
    const ended = await runContainer(request, { stdin, stdout, stderr: stdout });
    const took = performance.now() - start;
    if (ended.code !== 0) throw new Error(`a warm start with the ${engine} engine ended with exit code ${ended.code}`);
    return took;
  } finally {
    closeSync(stdin);
    closeSync(stdout);
  }
}
