/**
 * A vitest reporter that counts, and prints each skipped test with its reason, and each that passed
 * only when it was tried again with its first failure. The counts go to the file that
 * MINIRUN_TEST_COUNTS names, as JSON {passed, failed, skipped}.
 */
import { writeFileSync } from 'node:fs';

/** What a test file prints when it skips a whole suite: `mounts: skipped, needs root`. */
const SAID = /(?:^|: )skipped[,:] (.+)$/m;

/** A condition in a test's name: `(only on Linux)`, `as root: …`. */
const NAMED = /\(((?:needs|only) [^()]+)\)|\b(as root):/;

export default class Counts {
  /** Test file → the reason that it printed. */
  #said = new Map();

  onUserConsoleLog({ content, taskId }) {
    const reason = SAID.exec(content)?.[1];
    if (reason) this.#said.set(taskId, reason);
  }

  /** Why a test was skipped: what it said to `ctx.skip(…)`, or what its name or its file says. */
  #reasonOf(test) {
    const named = NAMED.exec(test.fullName);
    if (test.result().note) return test.result().note;
    if (named) return named[1] ?? `needs to run ${named[2]}`;
    return this.#said.get(test.module.id) ?? 'no reason given: say it with ctx.skip("…")';
  }

  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    const skipped = new Map();
    const flaky = [];
    for (const module of modules) {
      // A file that could not even be loaded has no tests to count.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') {
          counts.passed += 1;
          if (test.diagnostic()?.flaky) flaky.push(test);
        } else if (state === 'failed') counts.failed += 1;
        else {
          counts.skipped += 1;
          const reason = this.#reasonOf(test);
          skipped.set(reason, [...(skipped.get(reason) ?? []), test.fullName]);
        }
      }
    }
    for (const [reason, names] of skipped) {
      console.log(`skipped, ${reason}:`);
      for (const name of names) console.log(`  ${name}`);
    }
    for (const test of flaky) {
      console.log(`flaky: passed only at its second try: ${test.module.relativeModuleId} > ${test.fullName}`);
      for (const { message, stacks } of test.result().errors ?? []) {
        const [at] = stacks ?? [];
        console.log(`  ${message}${at ? ` (${at.file}:${at.line})` : ''}`.replaceAll('\n', '\n  '));
      }
    }
    if (process.env.MINIRUN_TEST_COUNTS) writeFileSync(process.env.MINIRUN_TEST_COUNTS, JSON.stringify(counts));
  }
}
