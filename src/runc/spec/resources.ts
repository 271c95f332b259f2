/**
 * New limits for a container that runs, as `runc update` takes them: a JSON text, or options.
 * Source: runc-update(8); the JSON is the `linux.resources` part of config.json.
 */
import type { Resources } from './config.ts';
import { resourcesShape } from './schema.ts';
import { Violation } from './shape.ts';
import { ConfigError, parseJson } from './validate.ts';

/** The names below `resources` whose letters may be in any case: Go's JSON reader takes `CPU` for `cpu`, and callers rely on it. */
// biome-ignore format: a list
const NAMES = [
  'memory', 'limit', 'reservation', 'swap', 'kernel', 'kernelTCP', 'swappiness', 'disableOOMKiller', 'useHierarchy', 'checkBeforeUpdate',
  'cpu', 'shares', 'quota', 'burst', 'period', 'realtimeRuntime', 'realtimePeriod', 'cpus', 'mems', 'idle',
  'pids', 'blockIO', 'weight', 'leafWeight', 'weightDevice', 'throttleReadBpsDevice', 'throttleWriteBpsDevice',
  'throttleReadIOPSDevice', 'throttleWriteIOPSDevice', 'major', 'minor', 'rate', 'hugepageLimits', 'pageSize',
  'network', 'classID', 'priorities', 'name', 'priority', 'rdma', 'hcaHandles', 'hcaObjects', 'unified',
  'devices', 'allow', 'type', 'access',
];
const SPELLING = new Map(NAMES.map((name) => [name.toLowerCase(), name]));

/** Keys in the specification's spelling; below `rdma` and `unified` they are names of devices and files, and stay. */
function spelled(value: unknown, free = false): unknown {
  if (Array.isArray(value)) return value.map((v) => spelled(v));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== null)
      .map(([key, v]) => {
        const name = free ? key : (SPELLING.get(key.toLowerCase()) ?? key);
        return [name, spelled(v, name === 'rdma' || name === 'unified')];
      }),
  );
}

/**
 * Limits from a JSON text. A value of 0 or '' means "leave it as it is" (see {@link changesOnly}),
 * except where 0 is a setting of its own.
 * @param name how errors call the text: a path, or `-` for the standard input
 * @throws ConfigError naming the place
 */
export function resourcesFromJson(json: string, name: string): Resources {
  const resources = spelled(parseJson(json, name));
  try {
    resourcesShape(resources, '');
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const found = error.found === undefined ? 'nothing' : JSON.stringify(error.found);
    throw new ConfigError(name, `#${error.pointer}`, `at #${error.pointer}: found ${found}, allowed: ${error.allowed}`);
  }
  return changesOnly(resources as Resources);
}

/** Settings for which 0 says something: an idle group, no burst, no swapping, class 0. */
const ZERO_COUNTS = new Set(['idle', 'burst', 'swappiness', 'classID', 'priority', 'rate', 'major', 'minor']);

/**
 * Without what asks for nothing. Engines send all fields of a form and 0 in those that nobody
 * filled in.
 */
export function changesOnly(resources: Resources): Resources {
  const kept = (value: unknown): unknown => {
    if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value)
      .map(([key, v]) => [key, key === 'unified' || key === 'rdma' ? v : kept(v)] as const)
      .filter(([key, v]) => {
        if (v === undefined || v === null || v === '' || v === false) return false;
        if (v === 0) return ZERO_COUNTS.has(key);
        return typeof v !== 'object' || Object.keys(v).length > 0;
      });
    return Object.fromEntries(entries);
  };
  return kept(resources) as Resources;
}

const UNITS: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** `100M`, `1.5g`, `64KiB`, `1024` → bytes, in powers of 1024; `-1` is "no limit". */
function bytes(option: string, text: string): number {
  if (text === '-1') return -1;
  const parts = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  const value = parts ? Math.floor(Number(parts[1]) * (UNITS[(parts[2] as string).toLowerCase()] as number)) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw new Error(
      `invalid value for ${option}: ${JSON.stringify(text)} is no size; write a number with a unit of k, m, g, t or p, such as 100M, or -1 for no limit`,
    );
  return value;
}

/** @param least 0 where a negative number has no meaning */
function whole(option: string, text: string, least = Number.MIN_SAFE_INTEGER): number {
  const value = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(Number.isSafeInteger(value) && value >= least))
    throw new Error(`invalid value for ${option}: ${JSON.stringify(text)} is no whole number${least === 0 ? ' from 0 on' : ''}`);
  return value;
}

type Read = (option: string, text: string) => number | string;
const count: Read = (option, text) => whole(option, text, 0);
const signed: Read = (option, text) => whole(option, text);
const words: Read = (_, text) => text;

/** `runc update`'s options → where their value belongs in `resources`. */
export const UPDATE_FLAGS: Record<string, { part: 'memory' | 'cpu' | 'pids' | 'blockIO'; key: string; read: Read }> = {
  'blkio-weight': { part: 'blockIO', key: 'weight', read: count },
  'cpu-period': { part: 'cpu', key: 'period', read: count },
  'cpu-quota': { part: 'cpu', key: 'quota', read: signed },
  'cpu-burst': { part: 'cpu', key: 'burst', read: count },
  'cpu-rt-period': { part: 'cpu', key: 'realtimePeriod', read: count },
  'cpu-rt-runtime': { part: 'cpu', key: 'realtimeRuntime', read: signed },
  'cpu-share': { part: 'cpu', key: 'shares', read: count },
  'cpu-idle': { part: 'cpu', key: 'idle', read: signed },
  'cpuset-cpus': { part: 'cpu', key: 'cpus', read: words },
  'cpuset-mems': { part: 'cpu', key: 'mems', read: words },
  memory: { part: 'memory', key: 'limit', read: bytes },
  'memory-reservation': { part: 'memory', key: 'reservation', read: bytes },
  'memory-swap': { part: 'memory', key: 'swap', read: bytes },
  'kernel-memory': { part: 'memory', key: 'kernel', read: bytes },
  'kernel-memory-tcp': { part: 'memory', key: 'kernelTCP', read: bytes },
  'pids-limit': { part: 'pids', key: 'limit', read: signed },
};

/**
 * Limits from the options of `runc update`.
 * @param values option names without dashes (`cpu-quota`) → what was typed; names not in {@link UPDATE_FLAGS} are left alone
 * @throws Error naming the option whose value cannot be read
 */
export function resourcesFromFlags(values: Record<string, string>): Resources {
  const resources: Record<string, Record<string, number | string>> = {};
  for (const [option, text] of Object.entries(values)) {
    const flag = UPDATE_FLAGS[option];
    if (!flag || text === '') continue;
    const part = resources[flag.part] ?? {};
    part[flag.key] = flag.read(option, text);
    resources[flag.part] = part;
  }
  return changesOnly(resources as Resources);
}

/** Kernel memory cannot be limited apart any more (Linux 5.16): the words to warn with, or undefined. */
export const kernelMemoryWarning = (r: Resources): string | undefined =>
  r.memory?.kernel || r.memory?.kernelTCP ? 'Kernel memory settings are ignored and will be removed' : undefined;

/** The parts of `linux.resources` together: what a change names replaces what was there, value by value. */
export function mergedResources(before: Resources | undefined, change: Resources): Resources {
  const merged: Record<string, unknown> = { ...before };
  for (const [part, value] of Object.entries(change)) {
    const old = merged[part];
    merged[part] = Array.isArray(value) || typeof old !== 'object' || old === null ? value : { ...old, ...value };
  }
  return merged as Resources;
}
