/** A place for one engine: namespaces of its own (sandbox.sh says which), and programs run in it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../../src/runc/engine/installed.ts';

export interface Answer {
  code: number | null;
  out: string;
  err: string;
}

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  /** Seconds until the program is ended; 60 without. */
  limit?: number;
}

export interface Sandbox {
  /** Seen from inside and outside alike. */
  folder: string;
  /** Starts a program inside; with pipes, and its input open. */
  start(args: string[], options?: RunOptions): ChildProcess;
  /** Runs a program inside to its end. */
  run(args: string[], options?: RunOptions): Promise<Answer>;
  /** Starts a daemon inside, with its output in `folder`/NAME.log, and waits until `ready` answers with exit code 0. */
  daemon(name: string, args: string[], ready: string[], options?: RunOptions): Promise<ChildProcess>;
  /** Ends all that runs inside, and removes what it made. */
  end(): Promise<void>;
}

const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

/** Gathers what the process prints. */
export function answerOf(child: ChildProcess): Promise<Answer> {
  const answer: Answer = { code: null, out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    answer.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    answer.err += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...answer, code }));
  });
}

/** Waits until it is true; throws with the description when it does not become so in time. */
export async function eventually(description: string, holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const end = Date.now() + seconds * 1000 * SLOWNESS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not so after ${seconds} s: ${description}`);
    await sleep(50);
  }
}

/** What is frozen does not die. A test that failed may leave it so (cgroup version 1: on version 2 it dies all the same). */
function thaw(path: string): void {
  const file = join(path, 'freezer.state');
  if (!existsSync(file)) return;
  writeFileSync(file, 'THAWED');
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) thaw(join(path, entry.name));
}

/** Removes a cgroup with all below it; processes that are still dying get a moment. */
async function removeCgroup(path: string): Promise<void> {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) await removeCgroup(join(path, entry.name));
  await eventually(`${path} can be removed`, () => {
    try {
      rmdirSync(path);
      return true;
    } catch {
      return !existsSync(path);
    }
  });
}

/** @throws Error with what the script printed, when the namespaces cannot be made */
async function sandbox(): Promise<Sandbox> {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-swap-'));
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  for (const sub of ['home', 'tmp']) mkdirSync(join(folder, sub));
  const script = join(packageRoot(), 'test/swap/support/sandbox.sh');
  const outer = spawn('bash', [script, folder, name], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = answerOf(outer);
  const ready = await Promise.race([new Promise<true>((resolve) => outer.stdout.on('data', () => resolve(true))), said]);
  const groups = readFileSync(join(folder, 'hierarchies'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => join(line.split(' ')[0] as string, name));

  const end = async (): Promise<void> => {
    groups.forEach(thaw);
    outer.stdin.end();
    await said;
    for (const group of groups) if (existsSync(group)) await removeCgroup(group);
    rmSync(folder, { recursive: true, force: true });
  };
  if (ready !== true) {
    await end();
    throw new Error(`namespaces for an engine cannot be made: ${ready.err.trim()}`);
  }
  const init = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim();
  const doors = groups.map((group) => (existsSync(join(group, 'init')) ? join(group, 'init') : group));
  // The script could not move this one, of which its pid namespace shows nothing.
  for (const door of doors) writeFileSync(join(door, 'cgroup.procs'), String(outer.pid));
  // Join the cgroups first: the namespaces show no way out of theirs.
  const enter = `for g in ${doors.join(' ')}; do echo $$ > $g/cgroup.procs; done; exec nsenter -t ${init} -m -n -p -C -i -u -- "$@"`;

  const start: Sandbox['start'] = (args, options = {}) =>
    spawn('bash', ['-c', enter, 'enter', 'timeout', '--foreground', '-k', '2', String((options.limit ?? 60) * SLOWNESS), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: join(folder, 'home'),
        TMPDIR: join(folder, 'tmp'),
        LC_ALL: 'C.UTF-8',
        TERM: 'xterm',
        ...options.env,
      },
    });
  const run: Sandbox['run'] = (args, options = {}) => {
    const child = start(args, options);
    child.stdin?.on('error', () => {}).end(options.input ?? '');
    return answerOf(child);
  };
  const daemon: Sandbox['daemon'] = async (title, args, probe, options = {}) => {
    const log = join(folder, `${title}.log`);
    const child = start(['sh', '-c', `exec "$@" > ${log} 2>&1 < /dev/null`, title, ...args], { limit: 900, ...options });
    const gone = new Promise<number | null>((resolve) => child.on('exit', resolve));
    let ended = false;
    void gone.then(() => {
      ended = true;
    });
    await eventually(`${title} answers`, async () => {
      if (ended) throw new Error(`${title} ended at once: ${readFileSync(log, 'utf8').split('\n').slice(-5).join('\n')}`);
      return (await run(probe, options)).code === 0;
    });
    return child;
  };
  return { folder, start, run, daemon, end };
}

/** A sandbox with what `prepare` starts in it; ended when that fails. */
export async function sandboxWith<T>(prepare: (place: Sandbox) => Promise<T>): Promise<T> {
  const place = await sandbox();
  try {
    return await prepare(place);
  } catch (error) {
    await place.end();
    throw error;
  }
}

/** Whether a program is on PATH. */
export const hasProgram = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
