/** Options of which each value has a form of its own: --ulimit, --device, --cap-add, --sysctl, --security-opt, namespaces. */

import { CAPABILITIES } from '../libc/capabilities.ts';
import { RLIMIT } from '../libc/flags.ts';
import type { Rlimit } from '../runc/spec/config.ts';
import { suggestion } from './nearest.ts';
import { UsageError } from './usage-error.ts';

/** What "no limit" is in config.json: 2^64-1, which a double rounds up. */
export const UNLIMITED = 2 ** 64;

const ULIMITS = Object.keys(RLIMIT).map((name) => name.slice('RLIMIT_'.length).toLowerCase());

/** `nofile=1024:2048`, `core=-1`. */
export function parseUlimit(text: string): Rlimit {
  const typed = `--ulimit ${text}`;
  const [name = '', values] = text.split('=');
  if (values === undefined) throw new UsageError(`${typed}: write NAME=SOFT[:HARD], such as nofile=1024:2048`);
  if (!ULIMITS.includes(name))
    throw new UsageError(`${typed}: unknown limit "${name}"${suggestion(name, ULIMITS, `; there are ${ULIMITS.join(', ')}`)}`);
  const parts = values.split(':');
  const number = (value: string): number => {
    if (value === '-1' || value === 'unlimited') return UNLIMITED;
    if (!/^\d+$/.test(value) || Number(value) > UNLIMITED)
      throw new UsageError(`${typed}: "${value}" is not a limit; write a whole number, or -1 for none`);
    return Number(value);
  };
  const soft = number(parts[0] as string);
  const hard = parts[1] === undefined ? soft : number(parts[1]);
  if (parts.length > 2) throw new UsageError(`${typed}: write NAME=SOFT[:HARD]`);
  if (soft > hard) throw new UsageError(`${typed}: the soft limit must not be above the hard limit`);
  return { type: `RLIMIT_${name.toUpperCase()}`, soft, hard };
}

export interface DeviceRequest {
  /** On the host. */
  source: string;
  /** In the container. */
  target: string;
  access: string;
  typed: string;
}

/** `/dev/x[:/dev/y][:rwm]`. */
export function parseDevice(text: string): DeviceRequest {
  const typed = `--device ${text}`;
  const [source = '', second, third, ...more] = text.split(':');
  const isAccess = (word: string) => /^[rwm]{1,3}$/.test(word) && new Set(word).size === word.length;
  let target = source;
  let access = 'rwm';
  if (third !== undefined) {
    target = second as string;
    access = third;
  } else if (second !== undefined) {
    if (isAccess(second)) access = second;
    else target = second;
  }
  if (more.length || !isAccess(access)) throw new UsageError(`${typed}: write HOST[:CONTAINER][:rwm]; r is read, w write, m make`);
  for (const path of [source, target]) if (!path.startsWith('/')) throw new UsageError(`${typed}: "${path}" is not an absolute path`);
  return { source, target, access, typed };
}

/** `net_admin`, `CAP_NET_ADMIN`, `all` → `CAP_NET_ADMIN`, `ALL`. */
export function parseCapability(option: string, text: string): string {
  const upper = text.toUpperCase();
  if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (CAPABILITIES.includes(name)) return name;
  throw new UsageError(`${option} ${text}: no such capability${suggestion(name, CAPABILITIES, '; capabilities(7) lists them')}`);
}

/** `net.ipv4.ip_forward=1`. Which names are allowed depends on the namespaces; the config's rules say so. */
export function parseSysctl(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--sysctl ${text}: write NAME=VALUE, such as net.ipv4.ip_forward=1`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

export interface SecurityOptions {
  noNewPrivileges?: boolean;
  /** A profile's file name, or `unconfined` for no filter. */
  seccomp?: string;
  apparmor?: string;
}

/** `no-new-privileges[=false]`, `seccomp=FILE`, `apparmor=PROFILE`; Docker also writes a colon for `=`. */
export function parseSecurityOption(text: string, into: SecurityOptions): void {
  const [, name = '', value] = /^([a-z-]+)(?:[=:](.*))?$/s.exec(text) ?? [];
  const words = ['no-new-privileges', 'seccomp', 'apparmor', 'label'];
  switch (name) {
    case 'no-new-privileges':
      if (value !== undefined && value !== 'true' && value !== 'false') throw new UsageError(`--security-opt ${text}: say true or false`);
      into.noNewPrivileges = value !== 'false';
      return;
    case 'seccomp':
    case 'apparmor':
      if (!value)
        throw new UsageError(`--security-opt ${text}: write ${name}=${name === 'seccomp' ? 'FILE' : 'PROFILE'} or ${name}=unconfined`);
      into[name] = value;
      return;
    case 'label':
      return; // SELinux: nothing to label here
    default:
      throw new UsageError(`--security-opt ${text}: unknown${suggestion(name || text, words, `; there are ${words.join(', ')}`)}`);
  }
}

/** Which namespace of a kind: one of its own, the host's, that of another container, or none at all. */
export type NamespaceChoice = { kind: 'private' } | { kind: 'host' } | { kind: 'container'; container: string };

/** `host`, `container:NAME`, and the words that mean "its own". */
export function parseNamespace(option: string, text: string, words: { own: string[]; host: boolean; container: boolean }): NamespaceChoice {
  if (words.own.includes(text)) return { kind: 'private' };
  if (words.host && text === 'host') return { kind: 'host' };
  const container = /^container:(.+)$/s.exec(text)?.[1];
  if (words.container && container) return { kind: 'container', container };
  const choices = [...words.own.filter(Boolean), ...(words.host ? ['host'] : []), ...(words.container ? ['container:NAME'] : [])];
  const bridge =
    option === '--network' && /^(bridge|default|slirp4netns|pasta)/.test(text)
      ? '; networks between containers need the daemon, which this version does not have'
      : '';
  throw new UsageError(
    `${option} ${text}: choose ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}${bridge || suggestion(text, choices)}`,
  );
}
