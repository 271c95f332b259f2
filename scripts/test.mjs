/**
 * `npm test`: everything that this machine can show. Makes the machine ready, then types, lint,
 * layering, unit tests, integration tests (real containers; most of them want root) and swap tests
 * (podman, containerd and Docker on minirun-runc; as root).
 * The last line is `N passed, N failed` (and `, N skipped`); the exit code is 0 when none failed.
 *
 * Arguments go to vitest: `npm test -- test/integration/mounts.test.ts`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { staticChecks } from './check.mjs';
import { ready } from './ready.mjs';
import { attempt, local } from './shell.mjs';

// One file that is asked for seldom needs them.
const engines = process.argv.length === 2 || process.argv.some((argument) => /swap|registry|docs/.test(argument));
await ready({ tests: true, engines });
const { fixtures } = await import('./fixtures.mjs');
await fixtures();
const checks = staticChecks();

const folder = mkdtempSync(join(tmpdir(), 'minirun-test-'));
const file = join(folder, 'counts.json');
const code = attempt(local('vitest'), ['run', '--reporter=default', '--reporter=./scripts/test-counts.mjs', ...process.argv.slice(2)], {
  env: { ...process.env, MINIRUN_TEST_COUNTS: file },
});
/** No counts: vitest itself fell over, which is one failure. */
let counts = { passed: 0, failed: 1, skipped: 0 };
try {
  counts = JSON.parse(readFileSync(file, 'utf8'));
} catch {
  console.log('vitest ended before it could count');
}
rmSync(folder, { recursive: true });
// Something that no test reports (an error after the last one) still shows in vitest's exit code.
if (code !== 0 && counts.failed === 0) counts.failed = 1;

const passed = checks.passed + counts.passed;
const failed = checks.failed + counts.failed;
console.log(`${passed} passed, ${failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}`);
process.exit(failed ? 1 : 0);
