/** runc's integration tests: bats files (bats-core's manual) that call the runtime as a user does. */
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { made } from './cache.ts';
import { goBuild, goFolder } from './go.ts';
import { images } from './images.ts';
import { unpackSource } from './source.ts';
import type { Suite, TestFile, TestResult } from './suite.ts';
import { parseTap } from './tap.ts';

/** What the tests start beside the runtime: they receive terminals, answer seccomp, talk to systemd. */
const PROGRAMS = ['recvtty', 'seccompagent', 'sd-helper'];

/** Go's name of this processor, which the names of the images have. */
const GOARCH: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** Names of the tests of a bats file, in its order. */
export const testsOf = (source: string): string[] => [...source.matchAll(/^@test "(.*)" \{$/gm)].map(([, name = '']) => name);

const escaped = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Results of TAP as bats prints it: what a test printed follows its line, as comments. */
export const batsResults = (output: string): TestResult[] =>
  parseTap(output).map((p) => ({
    test: p.name,
    outcome: p.skip !== undefined ? 'skip' : p.ok ? 'pass' : 'fail',
    output: p.skip !== undefined ? p.skip : p.after.map((l) => l.replace(/^# ?/, '')).join('\n'),
  }));

const batsFile = (folder: string, name: string): TestFile => ({
  name,
  tests: testsOf(readFileSync(join(folder, name), 'utf8')),
  command: (runtime, _, only) => ({
    argv: ['bats', '--tap', ...(only ? ['--filter', `^(${only.map(escaped).join('|')})$`] : []), name],
    cwd: folder,
    env: { RUNC: runtime.path },
  }),
  results: batsResults,
});

export const runcBats: Suite = {
  name: 'runc',
  title: "runc's tests/integration",
  source: 'runc',
  runtimes: ['minirun', 'runc'],
  prepare(cache) {
    const source = goFolder(cache, 'github.com/opencontainers/runc');
    const folder = join(source, 'tests/integration');
    made(source, "fetching and building runc's tests", () => {
      unpackSource(cache, 'runc', source);
      for (const program of PROGRAMS) {
        goBuild(cache, join(source, 'contrib/cmd', program), program, { tags: 'seccomp', cgo: program === 'seccompagent' });
      }
      const built = images(cache);
      for (const image of ['busybox', 'debian']) {
        const target = join(folder, 'testdata', `${image}-${GOARCH[arch()] ?? arch()}.tar.xz`);
        rmSync(target, { force: true });
        copyFileSync(join(built, `${image}.tar.xz`), target);
      }
    });
    const files = readdirSync(folder).filter((f) => f.endsWith('.bats'));
    return files.sort().map((name) => batsFile(folder, name));
  },
};
