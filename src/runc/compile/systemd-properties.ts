/**
 * Limits as properties of a systemd unit, so that `systemctl show` tells the truth and systemd does
 * not set other values when it looks at the unit again. They are written into the cgroup's files as
 * well: systemd knows fewer of them, and rounds some.
 * Sources: systemd.resource-control(5), org.freedesktop.systemd1(5) ("Scope Unit Objects").
 */
import type { Host, SystemdFacts } from '../host/facts.ts';
import type { Resources } from '../spec/config.ts';
import { sharesToWeight, swapOnly } from './cgroup-values.ts';
import { allowsAll, deviceRules, ruleLetters } from './device-rules.ts';

/** A property as busctl takes it: name, D-Bus signature, and the value's words. */
export interface Property {
  name: string;
  signature: string;
  values: string[];
}

/** 2^64-1: no limit. */
const INFINITY = '18446744073709551615';

const property = (name: string, signature: string, ...values: string[]): Property => ({ name, signature, values });
const u64 = (name: string, value: number | string): Property =>
  property(name, 't', typeof value === 'string' ? value : value < 0 ? INFINITY : BigInt(Math.trunc(value)).toString());

/**
 * `0-1,9` as systemd takes sets of CPUs: bytes, the lowest first, a bit for each. Undefined when it is no list.
 */
export function bitsOf(list: string): number[] | undefined {
  const bytes: number[] = [];
  for (const part of list.split(',').map((p) => p.trim())) {
    if (part === '') continue;
    const range = /^(\d+)(?:-(\d+))?$/.exec(part);
    const [first, last] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
    if (!range || first > last || last > 65535) return undefined;
    for (let bit = first; bit <= last; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return bytes.length ? Array.from(bytes, (b) => b ?? 0) : undefined;
}

/** AllowedCPUs and AllowedMemoryNodes came with version 244. */
function set(name: string, list: string | undefined, systemd: SystemdFacts): Property[] {
  const bytes = list && systemd.version >= 244 ? bitsOf(list) : undefined;
  return bytes ? [property(name, 'ay', String(bytes.length), ...bytes.map(String))] : [];
}

/**
 * CPU time in microseconds a second, a whole percentage rounded up: systemd rounds down, and the
 * container could then not have what it was promised.
 */
export function quotaPerSecond(quota: number, period: number | undefined): string {
  if (quota <= 0) return INFINITY;
  const perSecond = Math.floor((quota * 1_000_000) / (period || 100_000));
  return String(Math.ceil(perSecond / 10_000) * 10_000);
}

function time(quota: number | undefined, period: number | undefined, systemd: SystemdFacts): Property[] {
  if (!quota && !period) return [];
  // The period came with version 242.
  return [
    ...(period && systemd.version >= 242 ? [u64('CPUQuotaPeriodUSec', period)] : []),
    u64('CPUQuotaPerSecUSec', quotaPerSecond(quota ?? 0, period)),
  ];
}

function limitsV1(r: Resources, systemd: SystemdFacts): Property[] {
  const { memory, cpu, blockIO } = r;
  return [
    ...(memory?.limit ? [u64('MemoryLimit', memory.limit)] : []),
    ...(cpu?.shares ? [u64('CPUShares', cpu.shares)] : []),
    ...time(cpu?.quota, cpu?.period, systemd),
    ...(blockIO?.weight ? [u64('BlockIOWeight', blockIO.weight)] : []),
  ];
}

function limitsV2(r: Resources, systemd: SystemdFacts): Property[] {
  const { memory, cpu } = r;
  const swap = swapOnly(memory?.limit, memory?.swap);
  return [
    ...(memory?.limit ? [u64('MemoryMax', memory.limit)] : []),
    ...(memory?.reservation ? [u64('MemoryLow', memory.reservation)] : []),
    ...(swap === undefined ? [] : [u64('MemorySwapMax', swap === 'max' ? INFINITY : swap)]),
    ...(cpu?.idle === 1 && systemd.version >= 252
      ? [u64('CPUWeight', 0)]
      : cpu?.shares
        ? [u64('CPUWeight', sharesToWeight(cpu.shares))]
        : []),
    ...time(cpu?.quota, cpu?.period, systemd),
  ];
}

const BY_NAME: Record<string, string> = {
  'memory.high': 'MemoryHigh',
  'memory.low': 'MemoryLow',
  'memory.min': 'MemoryMin',
  'memory.max': 'MemoryMax',
  'memory.swap.max': 'MemorySwapMax',
  'pids.max': 'TasksMax',
  'cpu.weight': 'CPUWeight',
};

/** Files that the config names itself. What systemd has no property for is written into the cgroup alone. */
function unified(files: Record<string, string>, systemd: SystemdFacts): Property[] {
  return Object.entries(files).flatMap(([file, text]): Property[] => {
    const value = text.trim();
    const known = BY_NAME[file];
    if (known && (value === 'max' || /^\d+$/.test(value))) return [u64(known, value === 'max' ? INFINITY : value)];
    if (file === 'cpuset.cpus') return set('AllowedCPUs', value, systemd);
    if (file === 'cpuset.mems') return set('AllowedMemoryNodes', value, systemd);
    const max = /^(max|\d+)(?: +(\d+))?$/.exec(value);
    if (file === 'cpu.max' && max) return time(max[1] === 'max' ? -1 : Number(max[1]), Number(max[2] ?? 100_000), systemd);
    if (file === 'cpu.idle' && value === '1' && systemd.version >= 252) return [u64('CPUWeight', 0)];
    return [];
  });
}

/** The limits of a config. Of two for the same property the later one counts, so `unified` comes last. */
export function limitProperties(r: Resources, host: Host, systemd: SystemdFacts): Property[] {
  const v2 = host.cgroup.mode === 'v2';
  return [
    ...(v2 ? limitsV2(r, systemd) : limitsV1(r, systemd)),
    ...(r.pids?.limit ? [u64('TasksMax', r.pids.limit)] : []),
    ...set('AllowedCPUs', r.cpu?.cpus, systemd),
    ...set('AllowedMemoryNodes', r.cpu?.mems, systemd),
    ...(v2 ? unified(r.unified ?? {}, systemd) : []),
  ];
}

/**
 * The device rules, as far as systemd can say them. They must allow at least what the container's
 * own rules do, which are set besides: in v2 both are asked. In v1 systemd's are what the next
 * daemon-reload puts in force.
 */
export function deviceProperties(r: Resources | undefined, systemd: SystemdFacts): Property[] {
  const rules = deviceRules(r?.devices);
  const nothing = property('DeviceAllow', 'a(ss)', '0');
  // A list of what is forbidden cannot be said at all.
  if (allowsAll(rules) || rules.otherwise) return [property('DevicePolicy', 's', 'auto'), nothing];
  const entries = rules.rules.flatMap((rule): [string, string][] => {
    if (!rule.allow) return [];
    const kind = rule.type === 'c' ? 'char' : 'block';
    // "Any driver, this number" cannot be said: any number then.
    if (rule.major === undefined) return [[`${kind}-*`, ruleLetters(rule.access)]];
    if (rule.minor !== undefined) return [[`/dev/${kind}/${rule.major}:${rule.minor}`, ruleLetters(rule.access)]];
    const group = systemd.deviceGroups[`${rule.type} ${rule.major}`];
    return group ? [[group, ruleLetters(rule.access)]] : []; // without a driver there is nothing to open
  });
  return [property('DevicePolicy', 's', 'strict'), nothing, property('DeviceAllow', 'a(ss)', String(entries.length), ...entries.flat())];
}

/** What every container's unit is told. */
export function scopeProperties(name: string, slice: string, of: string, host: Host, systemd: SystemdFacts): Property[] {
  const isScope = !name.endsWith('.slice');
  const on = (what: string): Property => property(what, 'b', 'true');
  return [
    property('Description', 's', `container ${of}`),
    ...(isScope ? [property('Slice', 's', slice), on('Delegate')] : [property('Wants', 'as', '1', slice)]),
    on('MemoryAccounting'),
    on('CPUAccounting'),
    on(host.cgroup.mode === 'v2' ? 'IOAccounting' : 'BlockIOAccounting'),
    on('TasksAccounting'),
    property('DefaultDependencies', 'b', 'false'),
    // A unit that failed is forgotten as well: its name can be used again.
    ...(isScope && systemd.version >= 236 ? [property('CollectMode', 's', 'inactive-or-failed')] : []),
  ];
}
