/**
 * `npm run conformance`: test suites of others, which judge any OCI runtime, with minirun-runc and
 * with the machine's own runtimes beside it. docs/conformance.md tells what they are.
 *
 * Exit code 1: minirun fails a test for no known reason, or a known reason no longer holds, or a
 * suite that was asked for by name could not be had.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { crunPython } from './crun-python.ts';
import { removeNewCgroups, testCgroups } from './leftovers.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { REASONS } from './reasons.ts';
import { count, judge, type Result, table } from './report.ts';
import { runFile } from './run-file.ts';
import { runcBats } from './runc-bats.ts';
import { runtimeTools } from './runtime-tools.ts';
import { runtime } from './runtimes.ts';
import { type Suite, type TestFile, testId } from './suite.ts';

const SUITES = [runtimeTools, runcBats, crunPython];

/** All results of one suite with one runtime; progress goes to stderr, a line a file with failures. */
async function runSuite(suite: Suite, files: TestFile[], name: string, options: Options, temporary: string): Promise<Result[]> {
  const under = runtime(name);
  const results: Result[] = [];
  const before = testCgroups();
  for (const file of files) {
    const wanted = file.tests.filter((test) => !options.only.length || options.only.some((o) => testId(file, test).includes(o)));
    if (!wanted.length) continue;
    process.stderr.write(`\r\u001b[K${suite.name} with ${name}: ${file.name}`);
    const done = await runFile(file, under, wanted, { seconds: options.seconds, temporary });
    await removeNewCgroups(before);
    results.push(...done.map((r) => ({ suite: suite.name, runtime: name, ...r, test: testId(file, r.test) })));
  }
  const { pass, fail, skip, none } = count(results);
  process.stderr.write(`\r\u001b[K${suite.name} with ${name}: ${pass} pass, ${fail} fail, ${skip} skipped, ${none} without a result\n`);
  return results;
}

async function run(options: Options): Promise<{ results: Result[]; missing: boolean }> {
  const temporary = mkdtempSync(join(tmpdir(), 'conformance-'));
  // Container users other than root pass through it.
  chmodSync(temporary, 0o755);
  const results: Result[] = [];
  let missing = false;
  try {
    for (const suite of SUITES.filter((s) => !options.suites.length || options.suites.includes(s.name))) {
      let files: TestFile[];
      try {
        files = suite.prepare(cacheFolder());
      } catch (error) {
        process.stdout.write(`${suite.name} is left out: ${(error as Error).message}\n`);
        missing ||= options.suites.includes(suite.name);
        continue;
      }
      for (const name of options.runtimes.length ? options.runtimes : suite.runtimes) {
        results.push(...(await runSuite(suite, files, name, options, temporary)));
      }
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return { results, missing };
}

function print(results: Result[], options: Options): boolean {
  const runtimes = [...new Set(results.map((r) => r.runtime))];
  if (options.only.length) {
    for (const r of results.filter((r) => r.outcome !== 'pass')) {
      process.stdout.write(`--- ${r.suite} ${r.test} with ${r.runtime}: ${r.outcome}\n${r.output}\n`);
    }
  }
  if (results.length) process.stdout.write(`\n${table(results, SUITES, runtimes)}\n`);
  const { lines, unexplained, stale } = judge(results, REASONS);
  if (lines.length) process.stdout.write(`\nminirun does not pass ${lines.length}:\n${lines.join('\n')}\n`);
  if (unexplained.length) process.stdout.write(`\nunexplained: ${unexplained.length}\n`);
  for (const test of stale)
    process.stdout.write(`a reason is known for ${test}, but it passes: remove it from test/conformance/reasons.ts\n`);
  return unexplained.length === 0 && stale.length === 0;
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(
      process.argv.slice(2),
      SUITES.map((s) => s.name),
    );
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const { results, missing } = await run(options);
  const good = print(results, options);
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  return good && !missing ? 0 : 1;
}

process.exitCode = await main();
