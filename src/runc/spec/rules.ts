/**
 * What in config.json depends on more than one property: the sense of it, after its shape.
 * Source: runtime-spec config.md and config-linux.md; namespaces(7), sched_setattr(2), proc_sys(5).
 */
import { MS } from '../../libc/flags.ts';
import { sendingCall, usesNotify } from '../seccomp/notify.ts';
import type { Config, IdMapping, Mount, NamespaceType, Seccomp } from './config.ts';
import { parseIdmapOption } from './idmap-option.ts';
import { checkKernelRules } from './kernel-rules.ts';
import { checkDestination } from './mount-destination.ts';
import { parseMountOptions } from './mount-options.ts';
import { below, Violation } from './shape.ts';

/** Checks a config whose shape is right. Throws a {@link Violation}. */
export function checkRules(config: Config): void {
  if (!/^1\.\d+\.\d+/.test(config.ociVersion)) {
    throw new Violation('/ociVersion', config.ociVersion, 'a version 1.x.y of the runtime specification');
  }
  checkNamespaces(config);
  checkProcess(config);
  config.mounts?.forEach((mount, i) => {
    checkMount(config, mount, `/mounts/${i}`);
  });
  for (const [key, value] of Object.entries(config.linux?.sysctl ?? {})) checkSysctl(config, key, value);
  config.linux?.devices?.forEach((device, i) => {
    if (device.type === 'p') return;
    for (const key of ['major', 'minor'] as const) {
      if ((device[key] ?? -1) < 0)
        throw new Violation(`/linux/devices/${i}/${key}`, device[key], `a device number: type "${device.type}" needs one`);
    }
  });
  checkMemory(config);
  checkKernelRules(config);
  if (config.linux?.seccomp) checkSeccomp(config.linux.seccomp);
}

const namespace = (config: Config, type: NamespaceType) => config.linux?.namespaces?.find((n) => n.type === type);

function checkNamespaces(config: Config): void {
  const linux = config.linux ?? {};
  const seen = new Set<string>();
  linux.namespaces?.forEach((n, i) => {
    if (seen.has(n.type)) throw new Violation(`/linux/namespaces/${i}/type`, n.type, 'each type once');
    seen.add(n.type);
  });
  const has = (type: NamespaceType) => seen.has(type);
  for (const key of ['hostname', 'domainname'] as const) {
    const value = config[key];
    if (!value) continue;
    if (!has('uts')) throw new Violation(`/${key}`, value, 'nothing without a "uts" namespace: it would rename the host');
    if (Buffer.byteLength(value) > 64) throw new Violation(`/${key}`, value, 'at most 64 bytes (the kernel stores no more)');
  }
  for (const key of ['uidMappings', 'gidMappings'] as const) {
    const mappings = linux[key];
    if (mappings?.length && !has('user')) throw new Violation(`/linux/${key}`, mappings, 'nothing without a "user" namespace');
    if (mappings) checkMappings(mappings, `/linux/${key}`);
    const user = namespace(config, 'user');
    if (user && !user.path && !mappings?.length) {
      throw new Violation(`/linux/${key}`, mappings, 'at least one mapping: in a user namespace without any, every id is "nobody"');
    }
  }
  if (linux.timeOffsets && !has('time')) throw new Violation('/linux/timeOffsets', linux.timeOffsets, 'nothing without a "time" namespace');
  if (linux.timeOffsets && namespace(config, 'time')?.path) {
    throw new Violation(
      '/linux/timeOffsets',
      linux.timeOffsets,
      'nothing with a "time" namespace that is joined by its path: its clocks are set already (you may only provide one)',
    );
  }
}

/** user_namespaces(7): no id twice on either side, at most 340 lines. */
function checkMappings(mappings: IdMapping[], at: string): void {
  if (mappings.length > 340) throw new Violation(at, mappings, 'at most 340 mappings (a limit of the kernel)');
  for (const key of ['containerID', 'hostID'] as const) {
    const sorted = mappings.map((m, i) => ({ start: m[key], end: m[key] + m.size, i })).sort((a, b) => a.start - b.start);
    sorted.forEach((m, n) => {
      const next = sorted[n + 1];
      if (m.end > 2 ** 32) throw new Violation(`${at}/${m.i}/size`, mappings[m.i]?.size, 'ids up to 4294967295');
      if (next && next.start < m.end) throw new Violation(`${at}/${next.i}/${key}`, next.start, 'ids that no other mapping has');
    });
  }
}

function checkProcess(config: Config): void {
  const process = config.process;
  if (!process) return;
  if (!process.args?.[0]) throw new Violation('/process/args/0', process.args?.[0], 'the name of a program');
  const seen = new Set<string>();
  process.rlimits?.forEach((r, i) => {
    const at = `/process/rlimits/${i}`;
    if (seen.has(r.type)) throw new Violation(`${at}/type`, r.type, 'each type once');
    seen.add(r.type);
    if (r.soft > r.hard) throw new Violation(`${at}/soft`, r.soft, `at most the hard limit, ${r.hard}`);
  });
  const s = process.scheduler;
  if (!s) return;
  const at = '/process/scheduler';
  const realtime = s.policy === 'SCHED_FIFO' || s.policy === 'SCHED_RR';
  if (realtime && !((s.priority ?? 0) >= 1)) throw new Violation(`${at}/priority`, s.priority, `1 to 99 with ${s.policy}`);
  if (!realtime && s.priority) throw new Violation(`${at}/priority`, s.priority, `0 with ${s.policy}`);
  for (const key of ['runtime', 'deadline', 'period'] as const) {
    if (s[key] && s.policy !== 'SCHED_DEADLINE') throw new Violation(`${at}/${key}`, s[key], 'a value with SCHED_DEADLINE only');
  }
}

function checkMount(config: Config, mount: Mount, at: string): void {
  const options = parseMountOptions(mount.options ?? []);
  const bind = options.bind || mount.type === 'bind';
  const remount = (options.flags & MS.MS_REMOUNT) !== 0;
  if (bind && !remount && !mount.source) throw new Violation(`${at}/source`, mount.source, 'the path that is bound');
  if (!bind && !remount && !mount.type)
    throw new Violation(`${at}/type`, mount.type, 'a file system type, or the option "bind" or "rbind"');
  for (const [mine, other] of [
    ['uidMappings', 'gidMappings'],
    ['gidMappings', 'uidMappings'],
  ] as const) {
    const mappings = mount[mine];
    if (!mappings?.length) continue;
    checkMappings(mappings, `${at}/${mine}`);
    if (!mount[other]?.length) throw new Violation(`${at}/${other}`, mount[other], `mappings as well: the mount has ${mine}`);
    if (!bind) throw new Violation(`${at}/${mine}`, mappings, 'mappings of a bind mount only');
  }
  if (options.idmapText && !mount.uidMappings?.length) checkIdmapOption(config, options.idmapText, bind, `${at}/options`);
  else if (options.idmap && !mount.uidMappings?.length && !namespace(config, 'user')) {
    throw new Violation(
      `${at}/options`,
      options.idmap,
      `"${options.idmap}" with uidMappings and gidMappings, or with a "user" namespace to take them from`,
    );
  }
  checkDestination(mount, bind || remount, below(at, 'destination'));
}

function checkIdmapOption(config: Config, text: string, bind: boolean, at: string): void {
  if (!bind) throw new Violation(at, `idmap=${text}`, 'mappings of a bind mount only');
  try {
    const { uids, gids } = parseIdmapOption(text, { uids: config.linux?.uidMappings ?? [], gids: config.linux?.gidMappings ?? [] });
    for (const mappings of [uids, gids]) checkMappings(mappings, at);
  } catch (error) {
    throw error instanceof Violation ? error : new Violation(at, `idmap=${text}`, (error as Error).message);
  }
}

// biome-ignore format: a table
const IPC_SYSCTLS = new Set([
  'kernel.msgmax', 'kernel.msgmnb', 'kernel.msgmni', 'kernel.sem', 'kernel.shmall', 'kernel.shmmax', 'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/**
 * The namespace that keeps its own value of a kernel parameter; undefined where all of the machine
 * shares one. Both spellings are known: `net.ipv4.ip_forward` and `net/ipv4/ip_forward`.
 */
export function sysctlNamespace(key: string): NamespaceType | undefined {
  const name = dotted(key);
  if (IPC_SYSCTLS.has(name) || name.startsWith('fs.mqueue.')) return 'ipc';
  if (name.startsWith('net.')) return 'network';
  if (name === 'kernel.domainname' || name === 'kernel.hostname') return 'uts';
  if (name.startsWith('user.')) return 'user';
  return undefined;
}

/** As sysctl(8): whichever of `.` and `/` comes first separates; in the slash form dots belong to the names. */
function dotted(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  return first === '/' ? key.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : key;
}

function checkSysctl(config: Config, key: string, value: string): void {
  const at = below('/linux/sysctl', key);
  // `net/../kernel/core_pattern` would pass for a net.* key.
  if (/(^|[./])\.\.?([/]|$)|\/\/|^[./]|[./]$/.test(key))
    throw new Violation(at, value, 'the name of a kernel parameter, such as net.ipv4.ip_forward');
  const type = sysctlNamespace(key);
  if (!type) {
    throw new Violation(
      at,
      value,
      'net.*, fs.mqueue.*, user.*, kernel.domainname and the kernel.* of System V IPC only: the others belong to the whole machine',
    );
  }
  if (dotted(key) === 'kernel.hostname') throw new Violation(at, value, 'nothing: use the property "hostname"');
  if (dotted(key) === 'kernel.domainname' && config.domainname && config.domainname !== value)
    throw new Violation(at, value, `the value of the property "domainname", ${JSON.stringify(config.domainname)}, or nothing`);
  const entry = namespace(config, type);
  if (!entry) throw new Violation(at, value, `nothing without a "${type}" namespace: it would change the host's value`);
  if (/^\/proc\/(1|self|thread-self)\/ns\//.test(entry.path ?? '')) {
    throw new Violation(at, value, `nothing with the host's "${type}" namespace: it would change the host's value`);
  }
}

function checkMemory(config: Config): void {
  const memory = config.linux?.resources?.memory;
  if (!memory) return;
  const { limit, swap, reservation } = memory;
  if (limit !== undefined && limit > 0 && swap !== undefined && swap > 0 && swap < limit) {
    throw new Violation('/linux/resources/memory/swap', swap, `at least the limit, ${limit}: it counts memory and swap together`);
  }
  if (limit !== undefined && limit > 0 && reservation !== undefined && reservation > limit) {
    throw new Violation('/linux/resources/memory/reservation', reservation, `at most the limit, ${limit}`);
  }
}

/** seccomp(2): an errno or a trace message can only go with the actions that return one. */
function checkSeccomp(seccomp: Seccomp): void {
  const returnsNumber = (action: string) => action === 'SCMP_ACT_ERRNO' || action === 'SCMP_ACT_TRACE';
  const at = '/linux/seccomp';
  if (seccomp.defaultAction === 'SCMP_ACT_NOTIFY') {
    throw new Violation(
      `${at}/defaultAction`,
      seccomp.defaultAction,
      'another action: SCMP_ACT_NOTIFY cannot be used as default action, for the process that reports to the agent would itself be stopped',
    );
  }
  if (seccomp.defaultErrnoRet !== undefined && !returnsNumber(seccomp.defaultAction)) {
    throw new Violation(`${at}/defaultErrnoRet`, seccomp.defaultErrnoRet, `no number with ${seccomp.defaultAction}`);
  }
  seccomp.syscalls?.forEach((rule, i) => {
    if (rule.errnoRet !== undefined && !returnsNumber(rule.action)) {
      throw new Violation(`${at}/syscalls/${i}/errnoRet`, rule.errnoRet, `no number with ${rule.action}`);
    }
    if (rule.action !== 'SCMP_ACT_NOTIFY') return;
    if (!seccomp.listenerPath)
      throw new Violation(`${at}/listenerPath`, seccomp.listenerPath, 'the socket of an agent: a rule has SCMP_ACT_NOTIFY');
    if (rule.names.includes('write')) {
      throw new Violation(
        `${at}/syscalls/${i}/names`,
        'write',
        'other calls: SCMP_ACT_NOTIFY cannot be used for the write syscall, with which init reports to the runtime',
      );
    }
  });
  if (usesNotify(seccomp) && !sendingCall(seccomp)) {
    throw new Violation(
      `${at}/syscalls`,
      'sendmsg',
      'a profile that lets sendmsg or sendmmsg pass: SCMP_ACT_NOTIFY cannot be used for both, because one of them hands the listener to the agent',
    );
  }
}
