/** Who is compared as a runtime that an engine calls: programs with runc's command line. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, probeHost } from '../src/runc/host/probe.ts';
import { CLONE, failure, plainConfig } from './contenders.ts';

export interface Runtime {
  name: string;
  note: string;
  /** A command line of it. */
  argv: (...args: string[]) => string[];
}

export interface Runtimes {
  present: Runtime[];
  /** Why the others are left out. */
  absent: string[];
  close: () => void;
}

let number = 0;
export const freshId = (): string => `bench-${process.pid}-${number++}`;

/** A folder with a config.json: the one of a plain `minirun run`, the same for all. */
export function bundle(scratch: string, name: string, args: string[], limit?: number): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  const config = plainConfig(name, limit);
  if (config.process) config.process.args = args;
  // A path of its own for each container, not for each bundle.
  delete config.linux?.cgroupsPath;
  // crun 1.8 knows no specification later than 1.0; nothing in the config is newer.
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ociVersion: '1.0.2' }));
  return folder;
}

/** A mount namespace in which the v2 part of a hybrid layout is out of sight: crun 1.8 refuses to start otherwise. */
function withoutUnified(): { enter: string[]; holder: ChildProcess } | undefined {
  const { mode, v2 } = probeHost({ ociVersion: '1.2.0' }).cgroup;
  if (mode !== 'hybrid' || !v2) return undefined;
  const holder = spawn('unshare', ['--mount', 'sh', '-c', 'umount "$0" && exec sleep 100000', v2], { stdio: 'ignore' });
  const file = `/proc/${holder.pid}/ns/mnt`;
  const until = Date.now() + 5000;
  const ready = () => existsSync(file) && readlinkSync(`/proc/${holder.pid}/exe`).endsWith('/sleep');
  while (!ready() && Date.now() < until) spawnSync('sleep', ['0.01']);
  return { enter: ['nsenter', `--mount=${file}`], holder };
}

/** @param scratch folder for bundles and state */
export function runtimes(scratch: string): Runtimes {
  const absent: string[] = [];
  const present: Runtime[] = [];
  let holder: ChildProcess | undefined;
  const tryOut = (runtime: Runtime) => {
    const why = failure(runtime.argv('run', '--bundle', bundle(scratch, 'try', ['/bin/true']), freshId()));
    if (why) absent.push(`${runtime.name} ${why}`);
    else present.push(runtime);
  };
  const root = (name: string) => ['--root', join(scratch, name)];
  // As an engine finds it: through its `#!` line, which starts the first `node` in PATH.
  process.env.PATH = `${dirname(process.execPath)}:${process.env.PATH}`;
  tryOut({
    name: 'minirun-runc',
    note: `Node ${process.versions.node}`,
    argv: (...args) => [join(CLONE, 'bin/minirun-runc'), ...root('minirun-runc'), ...args],
  });
  if (findProgram('runc')) tryOut({ name: 'runc', note: '', argv: (...args) => ['runc', ...root('runc'), ...args] });
  else absent.push('runc is not installed');
  if (findProgram('crun')) {
    const hidden = withoutUnified();
    holder = hidden?.holder;
    tryOut({
      name: 'crun',
      note: hidden ? 'in a mount namespace without cgroup v2, entered by nsenter: 1 to 2 ms of each time are for that' : '',
      argv: (...args) => [...(hidden?.enter ?? []), 'crun', ...root('crun'), ...args],
    });
  } else absent.push('crun is not installed');
  return { present, absent, close: () => holder?.kill('SIGKILL') };
}
