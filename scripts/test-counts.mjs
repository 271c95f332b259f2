/**
 * A vitest reporter that counts, and prints each skipped test with its reason, each that passed only
 * when it was tried again with its first failure, and at the end each that failed, shortly: `.ci/run`
 * tells these lines again after everything else. The counts go to the file that MINIRUN_TEST_COUNTS
 * names, as JSON {passed, failed, skipped}.
 */
import { writeFileSync } from 'node:fs';

/** What a test file prints when it skips a whole suite: `mounts: skipped, needs root`. */
const SAID = /(?:^|: )skipped[,:] (.+)$/m;

/** A condition in a test's name: `(only on Linux)`, `as root: …`. */
const NAMED = /\(((?:needs|only) [^()]+)\)|\b(as root):/;

const nameOf = (test) => `${test.module.relativeModuleId} > ${test.fullName}`;

/** How many lines and characters of a failure's message are told again; vitest prints the whole. */
const TOLD = { lines: 12, characters: 200 };

/** Prints `WORD: FILE > TEST` and, indented, what went wrong and where. */
function tell(word, name, errors = []) {
  console.log(`${word}: ${name}`);
  for (const { message, stacks } of errors) {
    const [at] = stacks ?? [];
    const lines = `${message}${at ? `\n(${at.file}:${at.line})` : ''}`.split('\n');
    const cut = lines.length > TOLD.lines ? [...lines.slice(0, TOLD.lines - 1), '…', ...lines.slice(-1)] : lines;
    for (const line of cut) console.log(`  ${line.slice(0, TOLD.characters)}`);
  }
}

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
    const failures = errors.length ? [['outside of a test', errors]] : [];
    for (const module of modules) {
      // A file or a suite whose own set-up failed has errors of its own, and perhaps no test that failed.
      const suites = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
      for (const suite of suites) failures.push([suite === module ? module.relativeModuleId : nameOf(suite), suite.errors()]);
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state, errors: own } = test.result();
        if (state === 'passed') {
          counts.passed += 1;
          if (test.diagnostic()?.flaky) flaky.push(test);
        } else if (state === 'failed') {
          counts.failed += 1;
          failures.push([nameOf(test), own]);
        } else {
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
    for (const test of flaky) tell('flaky', `passed only when it was tried again: ${nameOf(test)}`, test.result().errors);
    for (const [name, own] of failures) tell('failed', name, own);
    if (process.env.MINIRUN_TEST_COUNTS) writeFileSync(process.env.MINIRUN_TEST_COUNTS, JSON.stringify(counts));
  }
}
