/** Looks up what a command line needs to know of this machine; the only impure step on the way to a config. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, release, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { pid1BinaryPath } from '../runc/engine/installed.ts';
import { boundingCapabilities } from '../runc/host/bounding.ts';
import { readCgroupFacts } from '../runc/host/cgroup-facts.ts';
import { devicesAt } from '../runc/host/device-nodes.ts';
import { TYPICAL_HOST } from '../runc/host/facts.ts';
import { findProgram, kernelVersion } from '../runc/host/probe.ts';
import { readInside } from '../runc/rootfs/read-inside.ts';
import { capabilitiesOf } from '../runc/spec/capability-sets.ts';
import { parseConfig } from '../runc/spec/validate.ts';
import type { Facts } from './facts.ts';
import type { RunOptions } from './run-options.ts';
import { subIdRange } from './sub-ids.ts';
import { UsageError } from './usage-error.ts';

export interface Subject {
  id: string;
  /** Absolute path that the container's root will have. */
  rootfs: string;
  /** What lies at `options.rootfs`; `missing` where that is allowed (explain). */
  kind: 'folder' | 'archive' | 'missing';
  stateRoot: string;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** A file that an option names. @throws UsageError when it cannot be read */
function readNamed(option: string, name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EACCES'
          ? 'it may not be read by this user'
          : code === 'EISDIR'
            ? 'it is a folder'
            : String(code);
    throw new UsageError(`${option}${option.endsWith('=') ? '' : ' '}${name}: ${why}`);
  }
}

async function users(options: RunOptions, subject: Subject): Promise<{ passwd: string; group: string }> {
  if (subject.kind === 'missing') return { passwd: '', group: '' };
  if (subject.kind === 'archive') {
    const { textsOfArchive } = await import('../runc/rootfs/archive-texts.ts');
    const texts = await textsOfArchive(resolve(options.rootfs), ['etc/passwd', 'etc/group']);
    return { passwd: texts['etc/passwd'] ?? '', group: texts['etc/group'] ?? '' };
  }
  const root = resolve(options.rootfs);
  return { passwd: readInside(root, '/etc/passwd') ?? '', group: readInside(root, '/etc/group') ?? '' };
}

async function containers(options: RunOptions, stateRoot: string): Promise<Facts['containers']> {
  const found: Facts['containers'] = {};
  for (const choice of [options.network, options.pid, options.ipc]) {
    if (choice?.kind !== 'container' || found[choice.container]) continue;
    const { findContainer } = await import('../runc/container/list.ts');
    const { loadConfig } = await import('../runc/container/state.ts');
    const view = findContainer(stateRoot, choice.container);
    if (!view.pid)
      throw new UsageError(`container:${choice.container}: the container is ${view.status}; its namespaces are there only while it runs`);
    const userNamespace = loadConfig(view).linux?.namespaces?.some((n) => n.type === 'user') ?? false;
    found[choice.container] = { pid: view.pid, userNamespace };
  }
  return found;
}

const userName = (): string | undefined => {
  try {
    return userInfo().username;
  } catch {
    return undefined; // a number without an entry in /etc/passwd
  }
};

/** What depends on the operating system; off Linux those of a typical Linux machine, so that `explain` works there. */
function machine(): Pick<Facts, 'uid' | 'gid' | 'subUids' | 'subGids' | 'cgroup' | 'arch' | 'kernel' | 'bounding'> {
  if (process.platform !== 'linux') {
    const { uid, gid, arch, kernel, cgroup, bounding } = TYPICAL_HOST;
    return { uid, gid, arch, kernel, cgroup, bounding: capabilitiesOf(bounding) };
  }
  const uid = process.geteuid?.() ?? 0;
  const name = userName();
  // Ranges are of use to who may map them: root itself, others through two set-uid programs.
  const mayMap = uid === 0 || (findProgram('newuidmap') !== undefined && findProgram('newgidmap') !== undefined);
  return {
    uid,
    gid: process.getegid?.() ?? 0,
    subUids: mayMap ? subIdRange(read('/etc/subuid'), name, uid) : undefined,
    subGids: mayMap ? subIdRange(read('/etc/subgid'), name, uid) : undefined,
    cgroup: readCgroupFacts(uid),
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    kernel: kernelVersion(release()),
    bounding: boundingCapabilities(),
  };
}

/** The texts of --env-file, by name. @throws UsageError for one that cannot be read */
export const readEnvFiles = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, readNamed('--env-file', name)]));

/**
 * Reads all facts for a command line.
 * @throws UsageError for files and containers that are not there; RootfsError; ConfigError for --config
 */
export async function gatherFacts(options: RunOptions, subject: Subject): Promise<Facts> {
  const files = readEnvFiles(options.envFiles);
  const { seccomp } = options.security;
  if (seccomp && seccomp !== 'unconfined' && seccomp !== 'builtin') files[seccomp] = readNamed('--security-opt seccomp=', seccomp);
  const devices: Facts['devices'] = {};
  for (const { source } of options.devices) devices[source] = devicesAt(source);
  if (options.privileged && process.platform === 'linux') devices[''] = devicesAt('/dev');
  // Touched only for a terminal of the container's own: Node makes a pipe non-blocking by touching it, for the container too.
  const stdout = options.tty ? process.stdout : undefined;
  return {
    id: subject.id,
    rootfs: subject.rootfs,
    ...(await users(options, subject)),
    ...machine(),
    cpuCount: availableParallelism(),
    hostname: hostname(),
    cwd: process.cwd(),
    env: process.env,
    files,
    containers: await containers(options, subject.stateRoot),
    devices,
    base: options.config === undefined ? undefined : parseConfig(readNamed('--config', options.config), options.config),
    pid1Path: options.init ? pid1BinaryPath() : '',
    consoleSize: stdout?.isTTY && stdout.rows ? { height: stdout.rows, width: stdout.columns } : undefined,
  };
}
