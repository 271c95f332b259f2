/**
 * Which device files a container may use: rules, the last one that fits wins.
 *
 * A device file is a door to the kernel's driver with that number, whoever made the file. A process
 * that may mknod could make itself a door to the host's disk; these rules decide at the door.
 * Source: runtime-spec, config-linux.md, "Allowed Device List"; Linux, admin-guide/cgroup-v1/devices.rst.
 */
import type { Config, DeviceRule } from '../spec/config.ts';

/** Access bits, as the kernel's eBPF context has them (BPF_DEVCG_ACC_*). */
export const ACCESS = { m: 1, r: 2, w: 4 } as const;
const ALL = ACCESS.m | ACCESS.r | ACCESS.w;

/** A rule in one form: undefined numbers mean any. */
export interface Rule {
  allow: boolean;
  type: 'c' | 'b';
  major: number | undefined;
  minor: number | undefined;
  access: number;
}

/** All rules after `otherwise`, in order. */
export interface Rules {
  /** What holds where no rule fits. */
  otherwise: boolean;
  rules: Rule[];
}

/** The devices that a container always may use (runtime-spec, "Default Devices"), and mknod of any: making the file opens no door. */
const ALWAYS: DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }, // null
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }, // zero
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' }, // full
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' }, // random
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' }, // urandom
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' }, // tty
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' }, // ptmx
  { allow: true, type: 'c', major: 10, minor: 200, access: 'rwm' }, // net/tun, as in runc: images with a VPN in them make the file themselves
  { allow: true, type: 'c', major: 136, access: 'rwm' }, // pts/0, pts/1, …
];

/** -1 and undefined mean any. */
const any = (n: number | undefined): number | undefined => (n === undefined || n < 0 ? undefined : n);

const accessBits = (access: string | undefined): number => {
  if (access === undefined) return ALL;
  let bits = 0;
  for (const letter of access) bits |= ACCESS[letter as keyof typeof ACCESS] ?? 0;
  return bits;
};

/** What is wrong with the device rules, one sentence each. */
export function checkDeviceRules(config: Config): string[] {
  const sentences: string[] = [];
  config.linux?.resources?.devices?.forEach((rule, i) => {
    const place = `#/linux/resources/devices/${i}`;
    if (rule.type !== undefined && !['a', 'b', 'c'].includes(rule.type))
      sentences.push(`${place}/type: ${JSON.stringify(rule.type)} is none of a, b, c`);
    if (rule.access !== undefined && !/^[rwma]+$/.test(rule.access))
      // an a adds nothing: runc takes it
      sentences.push(`${place}/access: ${JSON.stringify(rule.access)} is not made of r, w and m`);
  });
  return sentences;
}

/** The rules of a config in one form, with those that every container has. Nothing is allowed at first, as in runc. */
export function deviceRules(rules: readonly DeviceRule[] | undefined): Rules {
  const result: Rules = { otherwise: false, rules: [] };
  for (const rule of [...(rules ?? []), ...ALWAYS]) {
    const access = accessBits(rule.access);
    const type = rule.type ?? 'a';
    const [major, minor] = [any(rule.major), any(rule.minor)];
    if (type === 'a' && access === ALL && major === undefined && minor === undefined) {
      // Fits every device and every access: all rules before it are void.
      result.otherwise = rule.allow;
      result.rules = [];
    } else if (access) {
      for (const t of type === 'a' ? (['c', 'b'] as const) : [type])
        result.rules.push({ allow: rule.allow, type: t, major, minor, access });
    }
  }
  // Where all is allowed, allowing more says nothing, until something has been forbidden.
  if (result.otherwise && result.rules.every((r) => r.allow)) result.rules = [];
  return result;
}

/** True when the rules forbid nothing. */
export const allowsAll = (rules: Rules): boolean => rules.otherwise && rules.rules.length === 0;

const number = (n: number | undefined): string => (n === undefined ? '*' : String(n));
/** `rwm` */
export const ruleLetters = (access: number): string =>
  `${access & ACCESS.r ? 'r' : ''}${access & ACCESS.w ? 'w' : ''}${access & ACCESS.m ? 'm' : ''}`;
/** `c 1:3 rwm` */
export const ruleText = (r: Rule): string => `${r.type} ${number(r.major)}:${number(r.minor)} ${ruleLetters(r.access)}`;

/** One write into devices.allow or devices.deny. */
export interface V1Write {
  file: 'devices.allow' | 'devices.deny';
  value: string;
}

const sameDevices = (a: Rule, b: Rule): boolean => a.type === b.type && a.major === b.major && a.minor === b.minor;
const fits = (mine: number | undefined, other: number | undefined): boolean => mine === undefined || other === undefined || mine === other;
const overlaps = (a: Rule, b: Rule): boolean => a.type === b.type && fits(a.major, b.major) && fits(a.minor, b.minor);
const covers = (a: Rule, b: Rule): boolean =>
  a.type === b.type && (a.major === undefined || a.major === b.major) && (a.minor === undefined || a.minor === b.minor);

/**
 * The rules for v1, which knows no order: a default, and a list of exceptions from it. A rule that
 * takes back a part of an exception ("all of major 10, but not 10:229") cannot be said there.
 * @throws Error naming such a rule
 */
export function v1Writes({ otherwise, rules }: Rules): V1Write[] {
  let exceptions: Rule[] = [];
  for (const rule of rules) {
    if (rule.allow !== otherwise) {
      const same = exceptions.find((e) => sameDevices(e, rule));
      if (same) same.access |= rule.access;
      else exceptions.push({ ...rule });
      continue;
    }
    for (const e of exceptions) {
      if (!overlaps(e, rule) || !(e.access & rule.access)) continue;
      if (!covers(rule, e))
        throw new Error(
          `the device rule "${rule.allow ? 'allow' : 'deny'} ${ruleText(rule)}" takes back a part of "${ruleText(e)}", which cgroup v1 cannot express; write the rules without the overlap`,
        );
      e.access &= ~rule.access;
    }
    exceptions = exceptions.filter((e) => e.access);
  }
  const [reset, except] = otherwise ? (['devices.allow', 'devices.deny'] as const) : (['devices.deny', 'devices.allow'] as const);
  return [{ file: reset, value: 'a' }, ...exceptions.map((e) => ({ file: except, value: ruleText(e) }))];
}
