/** `--security-opt`: what each word means. `systempaths=unconfined` never gets here: the CLI makes MaskedPaths of it. */

import { defaultSeccomp } from '../../../runc/seccomp/default-profile.ts';
import type { Seccomp } from '../../../runc/spec/config.ts';
import { parseSeccompProfile } from '../../../runc/spec/seccomp-profile.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** `unconfined`, `builtin`, or the text of a profile; undefined: nobody said. */
  seccomp?: string;
  /** Name of a profile, or `unconfined`. */
  apparmor?: string;
  /** SELinux: `disable`, or `user:U`, `role:R`, `type:T`, `level:L`. */
  labels: string[];
  writableCgroups?: boolean;
}

/** As Go's strconv.ParseBool takes them. */
const BOOLEANS: Record<string, boolean> = Object.fromEntries([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true]),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false]),
]);

/** @throws 400 in Docker's words */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const parsed: SecurityOptions = { noNewPrivileges: false, labels: [] };
  for (const option of options) {
    // `label:disable` is the spelling of long ago.
    const [, key, separator, value = ''] = /^([^=:]*)(=|:)?([\s\S]*)$/.exec(option) ?? [];
    const invalid = (n: 1 | 2) => badRequest(`invalid --security-opt ${n}: ${JSON.stringify(option)}`);
    const yes = (): boolean => {
      const known = separator === undefined ? true : BOOLEANS[value];
      if (known === undefined) throw invalid(2);
      return known;
    };
    if (option === 'disable') parsed.labels.push('disable');
    else if (key === 'no-new-privileges') parsed.noNewPrivileges = yes();
    else if (key === 'writable-cgroups') parsed.writableCgroups = yes();
    else if (separator === undefined) throw invalid(1);
    else if (key === 'label') parsed.labels.push(label(value));
    else if (key === 'apparmor') parsed.apparmor = value;
    else if (key === 'seccomp') parsed.seccomp = value;
    else throw invalid(2);
  }
  return parsed;
}

function label(value: string): string {
  if (value === 'disable' || /^(user|role|type|level|filetype):./.test(value)) return value;
  throw badRequest(
    `invalid --security-opt: bad label option ${JSON.stringify(value)}, valid options 'disable' or 'user, role, level, type, filetype' followed by ':' and a value`,
  );
}

/**
 * The filter of system calls; undefined for none. A privileged container has none unless it asks.
 * @param capabilities the container's: what they allow is not forbidden by the filter
 * @throws 400 for a profile that is none
 */
export function seccompOf(
  { seccomp }: SecurityOptions,
  { Privileged }: Pick<HostConfig, 'Privileged'>,
  capabilities: readonly string[],
  { arch, kernel, support }: Pick<MachineFacts, 'arch' | 'kernel' | 'support'>,
): Seccomp | undefined {
  if (seccomp === 'unconfined' || (seccomp === undefined && Privileged)) return undefined;
  const own = seccomp !== undefined && seccomp !== '' && seccomp !== 'builtin';
  if (!support.seccomp) {
    if (own) throw badRequest('seccomp is not enabled in your kernel, cannot run a custom seccomp profile');
    return undefined;
  }
  if (!own) return defaultSeccomp(capabilities, arch, kernel);
  try {
    return parseSeccompProfile(seccomp, { capabilities, arch, kernel });
  } catch (error) {
    throw badRequest(`Decoding seccomp profile failed: ${(error as Error).message}`);
  }
}
