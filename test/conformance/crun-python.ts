/** crun's tests: Python files that write a config, run it and look at what a small static program sees inside. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/runc/engine/installed.ts';
import { made, must } from './cache.ts';
import { unpackSource } from './source.ts';
import type { Suite, TestFile, TestResult } from './suite.ts';
import { parseTap } from './tap.ts';

const HERE = join(packageRoot(), 'test/conformance');
const PYTHON = '/usr/bin/python3';

/** Prints {file: [names of its tests]} as JSON. The files add their tests to a dictionary when imported. */
const LIST = `
import glob, importlib, json, os, sys
sys.path.insert(0, 'tests')
names = sorted(os.path.basename(f)[:-3] for f in glob.glob('tests/test_*.py'))
print(json.dumps({n + '.py': list(importlib.import_module(n).all_tests) for n in names}))
`;

/** Results of TAP as the files print it: what a test printed comes before its line. */
export const pythonResults = (output: string): TestResult[] =>
  parseTap(output).map((p) => ({
    test: p.name,
    outcome: p.skip !== undefined ? 'skip' : p.ok ? 'pass' : 'fail',
    output: p.before.join('\n'),
  }));

const pythonFile = (source: string, name: string, tests: string[]): TestFile => ({
  name,
  tests,
  command(runtime, temporary, only) {
    // They make their folder in the working directory, and one of them wants the program as ./tests/init there.
    if (!existsSync(join(temporary, 'tests'))) symlinkSync(join(source, 'tests'), join(temporary, 'tests'));
    const runtimes: Record<string, string> = runtime.crunOptions
      ? { OCI_RUNTIME: runtime.path }
      : { OCI_RUNTIME: join(HERE, 'crun-options.sh'), RUNTIME_UNDER_TEST: runtime.path };
    return {
      // Its tests of terminals look for one there.
      terminal: true,
      argv: [PYTHON, '-u', join('tests', name)],
      cwd: temporary,
      env: { ...runtimes, PYTHONPATH: join(HERE, 'python'), INIT: join(source, 'tests/init'), ...(only && { RUN_TESTS: only.join(' ') }) },
    };
  },
  results: pythonResults,
});

export const crunPython: Suite = {
  name: 'crun',
  title: "crun's tests",
  source: 'crun',
  runtimes: ['minirun', 'runc', 'crun'],
  prepare(cache) {
    const source = join(cache, 'crun');
    made(source, "fetching crun's tests", () => {
      unpackSource(cache, 'crun', source);
      // What configure would write; the tests' program asks for two things in it.
      mkdirSync(join(source, 'include'));
      writeFileSync(join(source, 'include/config.h'), '#define HAVE_SECCOMP 1\n#define HAVE_ERROR_H 1\n');
      must(['gcc', '-O2', '-w', '-static', '-Iinclude', '-o', 'tests/init', 'tests/init.c', '-lseccomp'], { cwd: source });
    });
    const listing = must([PYTHON, '-c', LIST], { cwd: source, env: { ...process.env, PYTHONPATH: join(HERE, 'python') } });
    const files = JSON.parse(listing.trim().split('\n').at(-1) ?? '{}') as Record<string, string[]>;
    return Object.entries(files).map(([name, tests]) => pythonFile(source, name, tests));
  },
};
