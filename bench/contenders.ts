/** Who is compared: programs that start a container, run /bin/true in it, and clean up. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/runc/engine/installed.ts';
import { findProgram, probeHost } from '../src/runc/host/probe.ts';
import type { Config } from '../src/runc/spec/config.ts';
import { defaultConfig } from '../src/runc/spec/default-config.ts';

export interface Contender {
  name: string;
  /** What it is, in a few words for the table. */
  note: string;
  /** The command to time; with a memory limit in bytes where it can set one. */
  command: (limit?: number) => string[];
  /** It can limit a container's memory. */
  limits: boolean;
  /** It makes no container: a measure for the others. */
  baseline?: boolean;
}

export const CLONE = packageRoot();
export const ROOTFS = join(CLONE, 'rootfs-fixtures/build/busybox');
const COMMAND = ['/bin/true'];

/** The config of a plain `minirun run`, which runc and crun are given as well. */
export function plainConfig(id: string, limit?: number): Config {
  const { cgroup, arch, kernel } = probeHost({ ociVersion: '1.2.0' });
  const config = defaultConfig({ id, rootfs: ROOTFS, args: COMMAND, terminal: false, cgroup, arch, kernel });
  if (limit !== undefined) {
    config.linux ??= {};
    config.linux.resources = { ...config.linux.resources, memory: { limit } };
  }
  return config;
}

/** A bundle for runc and crun. */
function bundle(scratch: string, name: string, limit?: number): string {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  // crun 1.8 knows no specification later than 1.0; nothing in the config is newer.
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...plainConfig(`bench-${name}`, limit), ociVersion: '1.0.2' }));
  return folder;
}

let number = 0;
const freshId = (): string => `bench-${process.pid}-${number++}`;

/** crun refuses the hybrid layout unless the v2 part is out of sight; only its own mount namespace changes. */
function withoutUnified(argv: string[]): string[] {
  const { mode, v2 } = probeHost({ ociVersion: '1.2.0' }).cgroup;
  if (mode !== 'hybrid' || !v2) return argv;
  return ['unshare', '--mount', 'sh', '-c', 'umount "$0" && exec "$@"', v2, ...argv];
}

/**
 * All that are installed, and why the others are left out.
 * @param scratch folder for bundles and state
 */
export function contenders(scratch: string): { present: Contender[]; absent: string[] } {
  const absent: string[] = [];
  const all: (Contender & { needs?: string })[] = [];
  const minirun = (engine: 'native' | 'ffi'): Contender => ({
    name: `minirun run, ${engine}`,
    note: 'cold: Node is started for it',
    command: (limit) => [
      process.execPath,
      join(CLONE, 'bin/minirun'),
      'run',
      '--rm',
      '--engine',
      engine,
      ...(limit === undefined ? [] : ['--memory', `${limit}b`]),
      ROOTFS,
      ...COMMAND,
    ],
    limits: true,
  });
  all.push(
    { name: 'true', note: 'the command alone, no container', command: () => ['/bin/true'], limits: false, baseline: true },
    { name: 'node -e 0', note: "Node's own start", command: () => [process.execPath, '-e', '0'], limits: false, baseline: true },
    minirun('native'),
    minirun('ffi'),
    {
      name: 'runc',
      needs: 'runc',
      note: 'run, the same config.json',
      limits: true,
      command: (limit) => ['runc', '--root', join(scratch, 'runc'), 'run', '--bundle', bundle(scratch, 'runc-bundle', limit), freshId()],
    },
    {
      name: 'crun',
      needs: 'crun',
      note: 'run, the same config.json',
      limits: true,
      command: (limit) =>
        withoutUnified(['crun', '--root', join(scratch, 'crun'), 'run', '--bundle', bundle(scratch, 'crun-bundle', limit), freshId()]),
    },
    {
      name: 'bubblewrap',
      needs: 'bwrap',
      note: 'all namespaces; no cgroup, no seccomp',
      limits: false,
      command: () => ['bwrap', '--unshare-all', '--bind', ROOTFS, '/', '--proc', '/proc', '--dev', '/dev', ...COMMAND],
    },
    {
      name: 'unshare',
      needs: 'unshare',
      note: 'namespaces and chroot alone',
      limits: false,
      command: () => ['unshare', '--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup', '--fork', '--root', ROOTFS, ...COMMAND],
    },
  );
  const present = all.filter((c) => {
    const why = c.needs && !findProgram(c.needs) ? 'is not installed' : failure(c.command());
    if (why) absent.push(`${c.name} ${why}`);
    return !why;
  });
  return { present, absent };
}

/** Why the command does not work here, from one try; undefined when it does. */
export function failure(argv: string[]): string | undefined {
  const [program = '', ...args] = argv;
  const done = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (done.status === 0) return undefined;
  const said = done.stderr.trim().split('\n');
  return `failed: ${done.error?.message ?? (said.find((line) => /error/i.test(line)) || said.at(-1) || `exit code ${done.status}`)}`;
}

/** The versions that were measured, a line each. */
export function versions(): string[] {
  return ['runc', 'crun', 'bwrap', 'unshare'].flatMap((program) => {
    const done = spawnSync(program, ['--version'], { encoding: 'utf8' });
    return done.status === 0 ? [(done.stdout.split('\n')[0] ?? '').trim()] : [];
  });
}
