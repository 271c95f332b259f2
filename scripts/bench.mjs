/**
 * `npm run bench`: bench/main.ts, bundled. NODE=/path/to/node measures with that Node instead;
 * MINIRUN_BENCH_ROUNDS=N changes how often.
 */
import { join } from 'node:path';
import { fixtures } from './fixtures.mjs';
import { ready } from './ready.mjs';
import { attempt, root } from './shell.mjs';

await ready({ tests: true });
await fixtures(['busybox']);
const { bundle, train } = await import('./build.mjs');
const program = join(root, 'node_modules', '.cache', 'minirun-bench', 'bench.js');
await bundle('bench/main.ts', program);
// Each version of Node has a code cache of its own; the build made this one's.
if (process.env.NODE) train(process.env.NODE);
process.exit(attempt(process.env.NODE ?? process.execPath, [program]));
