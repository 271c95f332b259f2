/**
 * `npm run bench`: bench/main.ts (minirun run), bench/runtime.ts (minirun-runc) and bench/shim.ts, bundled.
 * NODE=/path/to/node measures with that Node instead; MINIRUN_BENCH_ROUNDS=N changes how often;
 * MINIRUN_BENCH=main, runtime or shim does one of them alone; pull does bench/pull.ts (pulling images),
 * unpack does bench/unpack.ts (taking them in), docker does bench/docker.ts (minirund beside dockerd and podman).
 */
import { join } from 'node:path';
import { fixtures } from './fixtures.mjs';
import { ready } from './ready.mjs';
import { attempt, root } from './shell.mjs';

await ready({ tests: true, engines: process.env.MINIRUN_BENCH === 'docker' });
await fixtures(['pull', 'unpack'].includes(process.env.MINIRUN_BENCH) ? ['debian'] : ['busybox']);
const { bundle, train } = await import('./build.mjs');
// Each version of Node has a code cache of its own; the build made this one's.
if (process.env.NODE) await train(process.env.NODE);
let worst = 0;
for (const name of process.env.MINIRUN_BENCH ? [process.env.MINIRUN_BENCH] : ['main', 'runtime', 'shim']) {
  const program = join(root, 'node_modules', '.cache', 'minirun-bench', `${name}.js`);
  await bundle(`bench/${name}.ts`, program);
  worst = Math.max(worst, attempt(process.env.NODE ?? process.execPath, [program]));
}
process.exit(worst);
