/** The validation programs of opencontainers/runtime-tools: each starts containers and prints what it saw of them as TAP. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { made } from './cache.ts';
import { goBuild, goFolder } from './go.ts';
import { unpackSource } from './source.ts';
import type { Outcome, Suite, TestFile } from './suite.ts';
import { parseTap } from './tap.ts';

/**
 * A program passes when it ends well and all of its test points do. One that ends well without a
 * test point has shown nothing.
 */
export function outcomeOf(output: string, exitCode: number): Outcome {
  const points = parseTap(output);
  if (exitCode !== 0 || points.some((p) => !p.ok)) return 'fail';
  if (points.length === 0) return 'none';
  return points.every((p) => p.skip !== undefined) ? 'skip' : 'pass';
}

const program = (source: string, name: string): TestFile => ({
  name,
  tests: [name],
  // It looks for runtimetest and the root filesystem's archive in its working directory.
  command: (runtime) => ({ argv: [join(source, 'validation', name, `${name}.t`)], cwd: source, env: { RUNTIME: runtime.path } }),
  results: (output, exitCode) => [{ test: name, outcome: outcomeOf(output, exitCode), output: `${output}exit code ${exitCode}` }],
});

export const runtimeTools: Suite = {
  name: 'runtime-tools',
  title: "runtime-tools' validation",
  source: 'golang-github-opencontainers-runtime-tools',
  runtimes: ['minirun', 'runc', 'crun'],
  prepare(cache) {
    const source = goFolder(cache, 'github.com/opencontainers/runtime-tools');
    const names = () => readdirSync(join(source, 'validation')).filter((n) => existsSync(join(source, 'validation', n, `${n}.go`)));
    made(source, "fetching and building runtime-tools' programs", () => {
      unpackSource(cache, runtimeTools.source, source);
      // It is copied into the containers: static.
      goBuild(cache, join(source, 'cmd/runtimetest'), join(source, 'runtimetest'), { tags: 'netgo osusergo' });
      for (const name of names()) goBuild(cache, join(source, 'validation', name), `${name}.t`);
    });
    return names()
      .sort()
      .map((name) => program(source, name));
  },
};
