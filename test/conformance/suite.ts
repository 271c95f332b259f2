/** What the three foreign suites have in common, as data. */

/** `none`: the test came to no result, neither pass nor fail (a program that prints no test point). */
export type Outcome = 'pass' | 'fail' | 'skip' | 'none';

export interface TestResult {
  test: string;
  outcome: Outcome;
  /** What it printed, for a person who looks into a failure. */
  output: string;
}

export interface Runtime {
  name: string;
  /** Absolute path of the program. */
  path: string;
  /** Commands that shape the machine as this runtime needs it; the test's own command follows. */
  prefix: string[];
  /** It knows crun's options that runc lacks. */
  crunOptions: boolean;
}

/** A program to start: `env` in addition to the common environment. */
export interface Command {
  argv: string[];
  cwd: string;
  env: Record<string, string>;
  /** Standard output is a terminal too, not only standard input. */
  terminal?: boolean;
}

/** Tests that one process runs, in this order. */
export interface TestFile {
  name: string;
  tests: string[];
  /**
   * @param temporary folder that this run has for itself
   * @param only these tests of the file, when it is not all of them
   */
  command(runtime: Runtime, temporary: string, only?: string[]): Command;
  /** The results in what the command printed; tests that it did not come to are absent. */
  results(output: string, exitCode: number): TestResult[];
}

export interface Suite {
  name: string;
  /** For the table. */
  title: string;
  /** Debian's source package. */
  source: string;
  /** Runtimes that it is run with unless the user names others. */
  runtimes: string[];
  /**
   * Fetches and builds what is not there yet.
   * @param cache folder for all that is fetched and built
   * @throws Error saying what could not be had
   */
  prepare(cache: string): TestFile[];
}

/** How a test is named in reasons.ts and on the command line; where a file is one test, that is its name. */
export const testId = (file: TestFile, test: string): string => (file.name === test ? test : `${file.name}: ${test}`);
