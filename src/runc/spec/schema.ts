/**
 * The shape of config.json: which properties have which types and values.
 * What depends on more than one property is in rules.ts.
 * Source: runtime-spec 1.2 and 1.3, config.md and config-linux.md.
 */

import { MPOL, MPOL_F, RLIMIT, SCHED, SCHED_FLAG } from '../../libc/flags.ts';
import {
  absolutePath,
  bool,
  type Check,
  filledText,
  I64,
  integer,
  limit,
  list,
  map,
  object,
  oneOf,
  pattern,
  saying,
  text,
  U16,
  U32,
  u32,
  u64,
} from './shape.ts';

export const NAMESPACE_TYPES = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'] as const;

// biome-ignore format: a table
export const SECCOMP_ACTIONS = [
  'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP', 'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE', 'SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_NOTIFY',
] as const;
// biome-ignore format: a table
export const SECCOMP_OPERATORS = [
  'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ',
] as const;
// biome-ignore format: a table
export const SECCOMP_ARCHITECTURES = [
  'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_MIPS',
  'SCMP_ARCH_MIPS64', 'SCMP_ARCH_MIPS64N32', 'SCMP_ARCH_MIPSEL', 'SCMP_ARCH_MIPSEL64', 'SCMP_ARCH_MIPSEL64N32',
  'SCMP_ARCH_PPC', 'SCMP_ARCH_PPC64', 'SCMP_ARCH_PPC64LE', 'SCMP_ARCH_S390', 'SCMP_ARCH_S390X', 'SCMP_ARCH_PARISC',
  'SCMP_ARCH_PARISC64', 'SCMP_ARCH_RISCV64', 'SCMP_ARCH_LOONGARCH64', 'SCMP_ARCH_M68K', 'SCMP_ARCH_SH', 'SCMP_ARCH_SHEB',
] as const;
// biome-ignore format: a table
export const SECCOMP_FLAGS = [
  'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
  'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV',
] as const;

/** Names that the kernel or this program does not know are left out with a warning, not refused (config.md, "Capabilities"). */
const capabilities = list(text);
const numberList = pattern(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/, 'a list of numbers and ranges, such as 0-3,6');
/** -1 means "any" in a device rule. */
const deviceNumber = integer(-1, U32);

/** 4294967295 is -1 to the kernel, "leave it as it is": a process that asks to be that user would stay root. */
const id = integer(0, U32 - 1);

const process: Check = object(
  {
    terminal: bool,
    consoleSize: object({ height: integer(0, U16), width: integer(0, U16) }, ['height', 'width']),
    user: object({ uid: id, gid: id, umask: u32, additionalGids: list(id) }),
    args: list(text, 1),
    env: list(pattern(/^[^=]+=/, 'NAME=VALUE, with a name')),
    cwd: absolutePath,
    capabilities: object({
      bounding: capabilities,
      effective: capabilities,
      inheritable: capabilities,
      permitted: capabilities,
      ambient: capabilities,
    }),
    rlimits: list(object({ type: oneOf(Object.keys(RLIMIT)), soft: u64, hard: u64 }, ['type', 'soft', 'hard'])),
    noNewPrivileges: bool,
    apparmorProfile: text,
    oomScoreAdj: integer(-1000, 1000),
    selinuxLabel: text,
    scheduler: object(
      {
        policy: oneOf(Object.keys(SCHED)),
        nice: integer(-20, 19),
        priority: integer(0, 99),
        flags: list(oneOf(Object.keys(SCHED_FLAG))),
        runtime: u64,
        deadline: u64,
        period: u64,
      },
      ['policy'],
    ),
    ioPriority: object({ class: oneOf(['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']), priority: integer(0, 7) }, ['class']),
    execCPUAffinity: object({ initial: numberList, final: numberList }),
  },
  ['args', 'cwd'],
);

const idMappings = list(object({ containerID: u32, hostID: u32, size: integer(1, U32) }, ['containerID', 'hostID', 'size']));

const mounts = list(
  object({ destination: filledText, type: text, source: text, options: list(text), uidMappings: idMappings, gidMappings: idMappings }, [
    'destination',
  ]),
);

const hooks = list(object({ path: absolutePath, args: list(text), env: list(text), timeout: integer(1, I64) }, ['path']));

const devices = list(
  object(
    {
      type: oneOf(['c', 'b', 'u', 'p']),
      path: absolutePath,
      major: deviceNumber,
      minor: deviceNumber,
      fileMode: integer(0, 0o177777),
      uid: u32,
      gid: u32,
    },
    ['type', 'path'],
  ),
);

const number = { major: u32, minor: u32 };
/** v1 takes 10 to 1000; 0 leaves it as it is. */
const weight = integer(0, 1000);
const throttle = list(object({ ...number, rate: u64 }, ['major', 'minor', 'rate']));

export const resourcesShape: Check = object({
  devices: list(
    object(
      {
        allow: bool,
        type: oneOf(['', 'a', 'c', 'b']),
        major: deviceNumber,
        minor: deviceNumber,
        access: pattern(/^[rwma]*$/, 'letters of r (read), w (write) and m (make)'),
      },
      ['allow'],
    ),
  ),
  memory: object({
    limit,
    reservation: limit,
    swap: limit,
    kernel: limit,
    kernelTCP: limit,
    swappiness: integer(-1, 100),
    disableOOMKiller: bool,
    useHierarchy: bool,
    checkBeforeUpdate: bool,
  }),
  cpu: object({
    shares: u64,
    quota: limit,
    burst: u64,
    period: u64,
    realtimeRuntime: limit,
    realtimePeriod: u64,
    cpus: pattern(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/, 'a list of numbers and ranges, such as 0-3,6'),
    mems: pattern(/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/, 'a list of numbers and ranges, such as 0-3,6'),
    idle: integer(0, 1),
  }),
  pids: object({ limit }),
  blockIO: object({
    weight,
    leafWeight: weight,
    weightDevice: list(object({ ...number, weight, leafWeight: weight }, ['major', 'minor'])),
    throttleReadBpsDevice: throttle,
    throttleWriteBpsDevice: throttle,
    throttleReadIOPSDevice: throttle,
    throttleWriteIOPSDevice: throttle,
  }),
  hugepageLimits: list(
    object({ pageSize: pattern(/^[1-9]\d*[KMG]B$/, 'a page size such as 2MB or 1GB'), limit: u64 }, ['pageSize', 'limit']),
  ),
  network: object({ classID: u32, priorities: list(object({ name: filledText, priority: u32 }, ['name', 'priority'])) }),
  rdma: map(object({ hcaHandles: u32, hcaObjects: u32 })),
  unified: map(text),
});

/** 64 bits, as a number or, where a double cannot hold it, as a text. */
const word: Check = (value, at) => {
  u64(typeof value === 'string' && /^\d{16,20}$/.test(value) ? Number(value) : value, at);
};

const seccomp = object(
  {
    defaultAction: oneOf(SECCOMP_ACTIONS),
    defaultErrnoRet: integer(0, 4095),
    architectures: list(oneOf(SECCOMP_ARCHITECTURES)),
    flags: list(oneOf(SECCOMP_FLAGS)),
    listenerPath: text,
    listenerMetadata: text,
    syscalls: list(
      object(
        {
          names: list(filledText),
          action: oneOf(SECCOMP_ACTIONS),
          errnoRet: integer(0, 4095),
          args: list(object({ index: integer(0, 5), value: word, valueTwo: word, op: oneOf(SECCOMP_OPERATORS) }, ['index', 'value', 'op'])),
        },
        ['names', 'action'],
      ),
    ),
  },
  ['defaultAction'],
);

const offset = object({ secs: integer(-I64, I64), nanosecs: integer(0, 999_999_999) });

const oneLine = pattern(/^[^\n]*$/, 'a text without line breaks');

const intelRdt = object({
  // It becomes the name of a folder in resctrl; "/" alone is resctrl itself.
  closID: pattern(/^(\/|(?!\.\.?$)[^/\n]*)$/, 'the name of a folder in resctrl, or "/"'),
  schemata: list(oneLine),
  l3CacheSchema: oneLine,
  memBwSchema: pattern(/^(MB:[^\n]*)?$/, 'a line that starts with MB:'),
  enableMonitoring: bool,
});

const linuxShape = object({
  namespaces: list(object({ type: oneOf(NAMESPACE_TYPES), path: pattern(/^(\/|$)/, 'an absolute path') }, ['type'])),
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: object({ boottime: offset, monotonic: offset }),
  devices,
  cgroupsPath: text,
  resources: resourcesShape,
  rootfsPropagation: oneOf(['', 'private', 'shared', 'slave', 'unbindable', 'rprivate', 'rshared', 'rslave', 'runbindable']),
  seccomp,
  maskedPaths: list(absolutePath),
  readonlyPaths: list(absolutePath),
  mountLabel: text,
  sysctl: map(text),
  personality: object({ domain: oneOf(['LINUX', 'LINUX32']), flags: list(text) }, ['domain']),
  intelRdt,
  memoryPolicy: saying(
    (pointer) => `invalid memory policy ${pointer.split('/')[3]?.replace(/s$/, '') ?? ''}`.trim(),
    object({ mode: oneOf(Object.keys(MPOL)), nodes: numberList, flags: list(oneOf(Object.keys(MPOL_F))) }, ['mode']),
  ),
  netDevices: map(object({ name: text })),
});

/** `"seccomp": {}` stands for no filter, as engines and other runtimes take it: it is taken out. */
const linux: Check = (value, at) => {
  const profile = (value as { seccomp?: Record<string, unknown> | null } | null)?.seccomp;
  if (profile && typeof profile === 'object' && !profile.defaultAction && !(profile.syscalls as unknown[] | null | undefined)?.length)
    delete (value as { seccomp?: unknown }).seccomp;
  linuxShape(value, at);
};

/** The whole of config.json. */
export const configShape: Check = object(
  {
    ociVersion: text,
    process,
    root: object({ path: filledText, readonly: bool }, ['path']),
    hostname: text,
    domainname: text,
    mounts,
    hooks: object({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    }),
    annotations: map(text),
    linux,
  },
  ['ociVersion', 'process', 'root'],
);

/** `process` alone: what `exec --process FILE` takes. */
export const processShape: Check = process;
