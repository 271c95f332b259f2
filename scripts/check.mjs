/**
 * `npm run check`: the gate before a commit. Types, lint and format, layering, unit tests; each
 * prints one line, and its output when it fails. Exit code 1 when one fails.
 */
import { spawnSync } from 'node:child_process';
import { ready } from './ready.mjs';
import { local, root, started } from './shell.mjs';

/** The checks that are no tests: name → [program, arguments]. */
const CHECKS = {
  types: [local('tsc'), ['-p', '.', '--noEmit']],
  'lint and format': [local('biome'), ['check', '--colors=off', '--max-diagnostics=50', '.']],
  layering: [process.execPath, ['scripts/layering.mjs']],
};

const UNIT_TESTS = [local('vitest'), ['run', '--project', 'unit', '--reporter=dot']];

function passes(name, [program, args]) {
  const start = performance.now();
  const done = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const good = done.status === 0;
  console.log(`${good ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!good) console.log(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trimEnd());
  return good;
}

/** Runs the checks that are no tests. Returns how many passed and failed. */
export function staticChecks() {
  const results = Object.entries(CHECKS).map(([name, command]) => passes(name, command));
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed };
}

if (started(import.meta)) {
  await ready();
  const { failed } = staticChecks();
  process.exit(passes('unit tests', UNIT_TESTS) && failed === 0 ? 0 : 1);
}
