/** Reads the facts of this machine that change a program. Runs at every start, so it is kept to a few files. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, resolve } from 'node:path';
import { seccompAvailable } from '../../libc/seccomp.ts';
import { cgroupPaths, cgroupPlaces, isRootless } from '../compile/cgroup-paths.ts';
import { cachedFilter } from '../seccomp/cache.ts';
import { SeccompProfileError } from '../seccomp/filter.ts';
import type { Config } from '../spec/config.ts';
import { cgroupAccess, cpusetAbove, inHierarchy, PATH_FACTS, readCgroupFacts } from './cgroup-facts.ts';
import { type CgroupFacts, type FileKind, type Host, TYPICAL_HOST } from './facts.ts';
import { resolveInside } from './inside-links.ts';
import { readMountFacts } from './mount-facts.ts';
import { readNetDevices } from './net-devices.ts';
import { readResctrl } from './resctrl.ts';
import { apparmorEnabled, selinuxEnabled } from './security-modules.ts';
import { readSystemdFacts } from './systemd-facts.ts';

export interface ProbeOptions {
  /** Folder against which relative bind sources are resolved; default: the working directory. */
  bundle?: string;
  /** Folder in which compiled seccomp filters are kept (below the state root); default: none. */
  filterCache?: string;
  /** The root is going to be moved over `/` (`--no-pivot`). */
  noPivot?: boolean;
  /** Have systemd make the cgroups (`--systemd-cgroup`). */
  systemdCgroup?: boolean;
  /** Leave out cgroups that may not be made, or do not; undefined: where we are not the machine's root. */
  rootless?: boolean;
  /** Hears what of the seccomp profile could not be used, a sentence each. */
  warn?: (sentence: string) => void;
}

/** What is there, following symbolic links; `missing` also for what we may not see. */
export function kindOf(path: string): FileKind {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 'missing';
  if (stat.isDirectory()) return 'dir';
  if (stat.isFile()) return 'file';
  if (stat.isCharacterDevice()) return 'char';
  return stat.isBlockDevice() ? 'block' : 'other';
}

const kindOrMissing = (path: string): FileKind => {
  try {
    return kindOf(path);
  } catch {
    return 'missing';
  }
};

/** The devices that every container gets (runtime-spec, config-linux.md, "Default Devices"). */
const DEFAULT_DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'console', 'ptmx'].map((name) => `/dev/${name}`);

/** The paths whose kind on this machine decides which steps are made; keys as the config writes them. */
export function pathsOf(config: Config): string[] {
  const isBind = (type: string | undefined, options: string[] | undefined) =>
    type === 'bind' || options?.includes('bind') || options?.includes('rbind');
  // Where the kernel has no core file, /dev/core would lead nowhere.
  const paths = [...DEFAULT_DEVICES, '/proc/kcore'];
  if (config.root) paths.push(config.root.path);
  for (const m of config.mounts ?? []) if (m.source && isBind(m.type, m.options)) paths.push(m.source);
  for (const d of config.linux?.devices ?? []) paths.push(d.path);
  for (const path of [...(config.linux?.maskedPaths ?? []), ...(config.linux?.readonlyPaths ?? [])]) {
    if (/^\/(proc|sys)(\/|$)/.test(path)) paths.push(path);
  }
  return [...new Set(paths)];
}

/** `6.18.44-generic` → `[6, 18]`. */
export function kernelVersion(text: string): [number, number] {
  const parts = /^(\d+)\.(\d+)/.exec(text);
  return parts ? [Number(parts[1]), Number(parts[2])] : TYPICAL_HOST.kernel;
}

/** The first words of the lines of /proc/self/limits → the C names. */
const LIMIT_NAMES: [words: string, name: string][] = [
  ['Max cpu time', 'RLIMIT_CPU'],
  ['Max file size', 'RLIMIT_FSIZE'],
  ['Max data size', 'RLIMIT_DATA'],
  ['Max stack size', 'RLIMIT_STACK'],
  ['Max core file size', 'RLIMIT_CORE'],
  ['Max resident set', 'RLIMIT_RSS'],
  ['Max processes', 'RLIMIT_NPROC'],
  ['Max open files', 'RLIMIT_NOFILE'],
  ['Max locked memory', 'RLIMIT_MEMLOCK'],
  ['Max address space', 'RLIMIT_AS'],
  ['Max file locks', 'RLIMIT_LOCKS'],
  ['Max pending signals', 'RLIMIT_SIGPENDING'],
  ['Max msgqueue size', 'RLIMIT_MSGQUEUE'],
  ['Max nice priority', 'RLIMIT_NICE'],
  ['Max realtime priority', 'RLIMIT_RTPRIO'],
  ['Max realtime timeout', 'RLIMIT_RTTIME'],
];

/** Hard limits by name from the text of /proc/self/limits; Infinity for unlimited. */
export function hardLimits(text: string): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const known = LIMIT_NAMES.find(([words]) => line.startsWith(words));
    if (!known) continue;
    const [, hard] = line.slice(known[0].length).trim().split(/\s+/);
    limits[known[1]] = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  }
  return limits;
}

/** The path of a program: in PATH's folders, then where distributions put it. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  for (const folder of new Set([...path.split(':'), '/usr/bin', '/usr/sbin', '/bin'])) {
    if (!folder.startsWith('/')) continue;
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/**
 * The config's filter, where libseccomp can make it. koffi and libseccomp are loaded only when no
 * kept filter fits. A profile that breaks the specification throws: that is the config's fault.
 */
function seccompFilterOf(config: Config, arch: Host['arch'], options: ProbeOptions): Uint8Array | undefined {
  const profile = config.linux?.seccomp;
  if (!profile) return undefined;
  try {
    const { filter, warnings } = cachedFilter(profile, arch, options.filterCache);
    for (const sentence of warnings) options.warn?.(sentence);
    return filter;
  } catch (error) {
    if (error instanceof SeccompProfileError || seccompAvailable()) throw error;
    return undefined;
  }
}

/** Looked for only where the config asks for it. */
function resctrlFacts(config: Config): Pick<Host, 'resctrl'> {
  const rdt = config.linux?.intelRdt;
  const resctrl = rdt && readResctrl(rdt, read('/proc/self/mountinfo'));
  return resctrl ? { resctrl } : {};
}

/** The config's places in the rootfs that go through links of the image. */
function linksInside(config: Config, bundle: string): Record<string, string> {
  const links: Record<string, string> = {};
  if (!config.root) return links;
  const rootfs = resolve(bundle, config.root.path);
  const destinations = (config.mounts ?? []).map((m) => m.destination);
  for (const path of [...destinations, config.process?.cwd ?? '/']) {
    // Below another mount the image's links are covered.
    if (destinations.some((d) => d !== path && path.startsWith(d.endsWith('/') ? d : `${d}/`))) continue;
    try {
      const leadsTo = resolveInside(rootfs, path);
      if (leadsTo !== undefined) links[path] = leadsTo;
    } catch {
      // a folder that we may not look into: init finds out
    }
  }
  return links;
}

/**
 * The facts of this machine for this config. On a machine that is not Linux: those of a typical
 * Linux machine, with the kinds of the paths as they are here.
 * @throws SeccompProfileError when `linux.seccomp` breaks the specification
 */
export function probeHost(config: Config, options: ProbeOptions = {}): Host {
  const files: Record<string, FileKind> = {};
  const bundle = options.bundle ?? process.cwd();
  if (process.platform !== 'linux') {
    // /dev, /proc and /sys of another system say nothing about Linux.
    for (const path of pathsOf(config)) if (!/^\/(dev|proc|sys)(\/|$)/.test(path)) files[path] = kindOrMissing(resolve(bundle, path));
    return { ...TYPICAL_HOST, files };
  }
  for (const path of pathsOf(config)) files[path] = kindOrMissing(resolve(bundle, path));
  const uid = process.geteuid?.() ?? 0;
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const bounding = /^CapBnd:\s*([0-9a-f]+)/m.exec(read('/proc/self/status'))?.[1] ?? '0';
  // Root writes the id maps itself.
  const newuidmap = uid === 0 ? undefined : findProgram('newuidmap');
  const newgidmap = uid === 0 ? undefined : findProgram('newgidmap');
  const seccompFilter = seccompFilterOf(config, arch, options);
  const links = linksInside(config, bundle);
  const kernel = kernelVersion(release());
  const host: Host = {
    arch,
    kernel,
    uid,
    gid: process.getegid?.() ?? 0,
    bounding: BigInt(`0x${bounding}`),
    lastCapability: Number(read('/proc/sys/kernel/cap_last_cap').trim() || TYPICAL_HOST.lastCapability),
    cgroup: readCgroupFacts(),
    files,
    links,
    mounts: readMountFacts(config, bundle, links, { noPivot: options.noPivot, old: kernel[0] < 5 || (kernel[0] === 5 && kernel[1] < 12) }),
    rlimits: hardLimits(read('/proc/self/limits')),
    ...resctrlFacts(config),
    ...(config.linux?.netDevices ? { netDevices: readNetDevices(Object.keys(config.linux.netDevices)) } : {}),
    ...(config.process?.apparmorProfile && apparmorEnabled() ? { apparmor: true } : {}),
    ...((config.process?.selinuxLabel || config.linux?.mountLabel) && selinuxEnabled() ? { selinux: true } : {}),
    ...(newuidmap ? { newuidmap } : {}),
    ...(newgidmap ? { newgidmap } : {}),
    ...(seccompFilter ? { seccompFilter } : {}),
    ...(isMapped(read('/proc/self/uid_map'))
      ? { inUserNamespace: true, setgroupsDenied: read('/proc/self/setgroups').trim() === 'deny' }
      : {}),
  };
  if (options.systemdCgroup) host.cgroup.systemd = readSystemdFacts(isRootless(host), findProgram) ?? 'missing';
  return { ...host, cgroup: cgroupFactsFor(config, host, options.rootless) };
}

/** The facts that concern cgroups alone: for work on a container that runs. The others are those of a typical machine. */
export function probeCgroups(config: Config, systemdCgroup = false): Host {
  if (process.platform !== 'linux') return TYPICAL_HOST;
  const uid = process.geteuid?.() ?? 0;
  const inUserNamespace = isMapped(read('/proc/self/uid_map'));
  const host: Host = {
    ...TYPICAL_HOST,
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    kernel: kernelVersion(release()),
    uid,
    gid: process.getegid?.() ?? 0,
    cgroup: readCgroupFacts(),
    ...(inUserNamespace ? { inUserNamespace } : {}),
  };
  if (systemdCgroup) host.cgroup.systemd = readSystemdFacts(isRootless(host), findProgram) ?? 'missing';
  return { ...host, cgroup: cgroupFactsFor(config, host) };
}

/** Text of a uid_map: ids are not what they seem, because we are in a user namespace. */
const isMapped = (map: string): boolean => map.trim() !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(map);

/** The user's own systemd may do all below its own cgroup, and moves processes there that the user could not. */
function userSystemd(facts: CgroupFacts): CgroupFacts {
  if (facts.systemd === undefined || facts.systemd === 'missing' || facts.v2 === undefined) return facts;
  const delegated = inHierarchy(facts.v2, facts.systemd.controlGroup);
  return { ...facts, writable: true, delegated, v2Controllers: read(`${delegated}/cgroup.controllers`).split(/\s+/).filter(Boolean) };
}

/** What of the cgroups this user may make. */
function accessFor(config: Config, host: Host, rootless: boolean | undefined): CgroupFacts {
  if (host.cgroup.systemd && isRootless(host)) return userSystemd(host.cgroup);
  if (rootless === false) return { ...host.cgroup, writable: host.cgroup.mode !== 'none' }; // what may not be made is an error
  return rootless || isRootless(host) ? cgroupAccess(host.cgroup, cgroupPlaces(config, host), PATH_FACTS) : host.cgroup;
}

/** The facts about cgroups that depend on where the container's are. */
function cgroupFactsFor(config: Config, host: Host, rootless?: boolean): CgroupFacts {
  const facts = accessFor(config, host, rootless);
  const paths = cgroupPaths(config, { ...host, cgroup: facts });
  const cpuset = cpusetAbove(paths.v1.cpuset, facts.v1.cpuset, read);
  const above = new Set([...Object.values(paths.v1), ...(paths.v2 === undefined ? [] : [paths.v2])].map((folder) => dirname(folder)));
  const existing = [...above].filter((folder) => kindOrMissing(folder) === 'dir');
  return { ...facts, existing, ...(cpuset ? { cpuset } : {}) };
}
