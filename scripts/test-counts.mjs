/**
 * A vitest reporter that counts, and prints each skipped test with its reason. The counts go to
 * the file that MINIRUN_TEST_COUNTS names, as JSON {passed, failed, skipped}.
 */
import { writeFileSync } from 'node:fs';

/** Why a test was skipped: what it said to `ctx.skip(…)`, or what stands in brackets in its name or its suite's. */
function reasonOf(test) {
  const note = test.result().note;
  if (note) return note;
  const bracketed = /\(((?:needs|skipped|only|not) [^()]+)\)/.exec(test.fullName);
  return bracketed?.[1] ?? 'no reason given: name it with ctx.skip("…")';
}

export default class Counts {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    const skipped = new Map();
    for (const module of modules) {
      // A file that could not even be loaded has no tests to count.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') counts.passed += 1;
        else if (state === 'failed') counts.failed += 1;
        else {
          counts.skipped += 1;
          const reason = reasonOf(test);
          skipped.set(reason, [...(skipped.get(reason) ?? []), test.fullName]);
        }
      }
    }
    for (const [reason, names] of skipped) {
      console.log(`skipped, ${reason}:`);
      for (const name of names) console.log(`  ${name}`);
    }
    if (process.env.MINIRUN_TEST_COUNTS) writeFileSync(process.env.MINIRUN_TEST_COUNTS, JSON.stringify(counts));
  }
}
