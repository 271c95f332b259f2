/** What doctor asks of a machine, behind one interface, so that tests can be any machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { call } from '../libc/fd.ts';
import { loadKoffi } from '../libc/ffi.ts';
import { seccompAvailable } from '../libc/seccomp.ts';
import { ffiInitPath, initBinaryPath } from '../runc/engine/installed.ts';
import { nativeAvailable } from '../runc/engine/native.ts';
import { readCgroupFacts } from '../runc/host/cgroup-facts.ts';
import type { CgroupFacts } from '../runc/host/facts.ts';
import { findProgram } from '../runc/host/probe.ts';
import { memfdRuns } from './doctor-memfd.ts';

export interface Machine {
  platform: string;
  arch: string;
  /** `uname -r`. */
  release: string;
  node: string;
  uid: number;
  user: string;
  cgroup: CgroupFacts;
  /** Text of a file, or '' when it cannot be read. */
  read(path: string): string;
  /** The kernel has this kind of namespace: a name in /proc/self/ns. */
  hasNamespace(file: string): boolean;
  /** Path of a program that may be run, or undefined. */
  find(program: string): string | undefined;
  /** Runs a program: undefined when it succeeds, else what it said. */
  run(program: string, ...args: string[]): string | undefined;
  /** A program can raise its privileges: by the setuid bit or file capabilities. */
  privileged(path: string): boolean;
  /** Result of a raw system call, or -errno; undefined where koffi does not load. */
  syscall(name: string, ...args: number[]): number | undefined;
  /** Why koffi does not load, or undefined. */
  koffiTrouble(): string | undefined;
  libseccomp(): boolean;
  nativeBuilt(): boolean;
  ffiBuilt(): boolean;
  /** A sealed memfd can be executed: undefined, or why not. */
  memfdTrouble(): string | undefined;
}

/** An attribute of files that holds their capabilities; Node cannot read it, getcap(8) can. */
function hasFileCapabilities(path: string): boolean {
  const getcap = findProgram('getcap');
  return getcap !== undefined && /cap_set[ug]id/.test(spawnSync(getcap, [path], { encoding: 'utf8' }).stdout ?? '');
}

function koffiTrouble(): string | undefined {
  try {
    loadKoffi();
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

/** This machine. Nothing that these functions do changes it. */
export function thisMachine(): Machine {
  const uid = process.geteuid?.() ?? -1;
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return {
    platform: process.platform,
    arch: process.arch,
    release: release(),
    node: process.versions.node,
    uid,
    user: userName(uid),
    cgroup: readCgroupFacts(uid),
    read,
    hasNamespace: (file) => existsSync(`/proc/self/ns/${file}`),
    find: (program) => findProgram(program),
    run: (program, ...args) => {
      const done = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'ignore', 'pipe'] });
      if (done.status === 0) return undefined;
      return done.error?.message ?? (done.stderr.trim().split('\n').at(-1) || `exit code ${done.status}`);
    },
    privileged: (path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o4000) !== 0 || hasFileCapabilities(path),
    syscall: (name, ...args) => (koffiTrouble() === undefined ? call(name, ...args) : undefined),
    koffiTrouble,
    libseccomp: () => koffiTrouble() === undefined && seccompAvailable(),
    nativeBuilt: nativeAvailable,
    ffiBuilt: () => existsSync(ffiInitPath()),
    memfdTrouble: () => (koffiTrouble() === undefined ? memfdRuns(initBinaryPath()) : 'koffi does not load'),
  };
}

/** A uid that no line of /etc/passwd has is still a user. */
function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}
