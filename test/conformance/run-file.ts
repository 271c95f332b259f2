/** Runs a file of tests in a process of its own, and goes on behind a test that hangs. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/runc/engine/installed.ts';
import { environment } from './environment.ts';
import type { Runtime, TestFile, TestResult } from './suite.ts';
import { isTestPoint } from './tap.ts';

const SUBREAPER = join(packageRoot(), 'test/conformance/subreaper.py');

/**
 * Its own mount namespace, so that no mount outlives the tests or is seen outside; in it a /dev/null of its
 * own, because some runtimes give that of the host to the container's user, and an /etc/criu, because a test
 * writes there what changes every later criu. $0 is a folder.
 */
const OWN_MOUNTS = [
  ...['unshare', '--mount', '--propagation', 'private', 'sh', '-c'],
  'mkdir -p /etc/criu && mount -t tmpfs tmpfs /etc/criu && mount -t tmpfs tmpfs "$0" && mknod -m 666 "$0/null" c 1 3 && mount --bind "$0/null" /dev/null && exec "$@"',
];

export interface Limits {
  /** Seconds that one test may take. */
  seconds: number;
  /** Folder for temporary files. */
  temporary: string;
}

/** What a run of the command printed, and whether the limit ended it. */
function once(file: TestFile, runtime: Runtime, only: string[] | undefined, limits: Limits) {
  const { argv, cwd, env, terminal } = file.command(runtime, limits.temporary, only);
  const subreaper = ['/usr/bin/python3', SUBREAPER, ...(terminal ? ['--stdout'] : [])];
  const devices = join(limits.temporary, 'dev');
  mkdirSync(devices, { recursive: true });
  const [program = '', ...args] = [...OWN_MOUNTS, devices, ...runtime.prefix, ...subreaper, ...argv];
  return new Promise<{ output: string; hung: boolean; code: number }>((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...environment(limits.temporary), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, hung] = ['', false];
    const stop = () => {
      hung = true;
      child.kill('SIGTERM');
    };
    let timer = setTimeout(stop, limits.seconds * 1000);
    let last: string | undefined;
    const take = (text: string, stream: string) => {
      // A test point stands in a line of its own, whatever the other stream's last line lacks.
      if (last !== undefined && last !== stream && !output.endsWith('\n')) output += '\n';
      last = stream;
      output += text;
      if (hung || !text.split(/\r?\n/).some(isTestPoint)) return;
      clearTimeout(timer);
      timer = setTimeout(stop, limits.seconds * 1000);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => take(text, 'stdout'));
    child.stderr.setEncoding('utf8').on('data', (text: string) => take(text, 'stderr'));
    child.on('error', reject);
    // Not `close`: a process that the tests left behind may hold the pipe open.
    child.on('exit', (code) => {
      clearTimeout(timer);
      setImmediate(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ output, hung, code: code ?? 1 });
      });
    });
  });
}

/**
 * One result for each wanted test of the file, in the file's order. A test that takes longer than
 * the limit fails, and the tests behind it are run in a new process.
 */
async function firstResults(file: TestFile, runtime: Runtime, wanted: string[], limits: Limits): Promise<TestResult[]> {
  const results: TestResult[] = [];
  let left = wanted;
  while (left.length) {
    const { output, hung, code } = await once(file, runtime, left.length === file.tests.length ? undefined : left, limits);
    const got = new Map(file.results(output, code).map((r) => [r.test, r]));
    const done = left.filter((test) => got.has(test));
    results.push(...done.flatMap((test) => got.get(test) ?? []));
    left = left.filter((test) => !got.has(test));
    const [next, ...rest] = left;
    if (next === undefined) break;
    if (hung) {
      results.push({ test: next, outcome: 'fail', output: `no result within ${limits.seconds} s\n${output}` });
      left = rest;
    } else {
      const why = `its file ended, with exit code ${code}, before this test had a result\n${output}`;
      results.push(...left.map((test): TestResult => ({ test, outcome: 'fail', output: why })));
      left = [];
    }
  }
  return results;
}

/**
 * One result for each wanted test of the file. What fails is run once more and the second result
 * counts: the suites have short timeouts, which a busy machine misses.
 */
export async function runFile(file: TestFile, runtime: Runtime, wanted: string[], limits: Limits): Promise<TestResult[]> {
  const first = await firstResults(file, runtime, wanted, limits);
  const failed = first.flatMap((r) => (r.outcome === 'fail' ? [r.test] : []));
  if (!failed.length) return first;
  const second = new Map((await firstResults(file, runtime, failed, limits)).map((r) => [r.test, r]));
  return first.map((r) => second.get(r.test) ?? r);
}
