/**
 * A seccomp profile as a person writes it: either the `linux.seccomp` of an OCI config, or Docker's own format,
 * which leaves to the runtime which rules count (`includes`, `excludes`, `archMap`).
 * Source: docs.docker.com "Seccomp security profiles"; runtime-spec config-linux.md.
 */
import type { Seccomp, SeccompRule } from './config.ts';
import { parseExactly } from './validate.ts';

export interface ProfileFacts {
  capabilities: readonly string[];
  arch: 'x64' | 'arm64';
  kernel: readonly [major: number, minor: number];
}

interface Filter {
  caps?: string[];
  arches?: string[];
  minKernel?: string;
}

interface DockerProfile extends Omit<Seccomp, 'syscalls'> {
  archMap?: { architecture: string; subArchitectures?: string[] | null }[];
  syscalls?: (SeccompRule & { name?: string; includes?: Filter | null; excludes?: Filter | null })[];
}

/** As Docker calls the architectures in `arches`, and seccomp in `archMap`. */
const ARCH = { x64: { short: 'amd64', long: 'SCMP_ARCH_X86_64' }, arm64: { short: 'arm64', long: 'SCMP_ARCH_AARCH64' } } as const;

function kernelAtLeast([major, minor]: ProfileFacts['kernel'], wanted: string): boolean {
  const [a = 0, b = 0] = wanted.split('.').map(Number);
  return major > a || (major === a && minor >= b);
}

/** A rule counts when all of `includes` holds and nothing of `excludes`. */
function counts(rule: { includes?: Filter | null; excludes?: Filter | null }, facts: ProfileFacts): boolean {
  const { includes, excludes } = rule;
  const has = (cap: string) => facts.capabilities.includes(cap);
  const short = ARCH[facts.arch].short;
  if (excludes?.caps?.some(has) || excludes?.arches?.includes(short)) return false;
  if (excludes?.minKernel && kernelAtLeast(facts.kernel, excludes.minKernel)) return false;
  if (includes?.arches?.length && !includes.arches.includes(short)) return false;
  if (includes?.caps?.length && !includes.caps.every(has)) return false;
  return !includes?.minKernel || kernelAtLeast(facts.kernel, includes.minKernel);
}

/**
 * The profile in the OCI form. Whether its words are right is checked with the rest of the config.
 * @throws Error when it is no JSON or no profile
 */
export function parseSeccompProfile(text: string, facts: ProfileFacts): Seccomp {
  let profile: DockerProfile;
  try {
    profile = parseExactly(text) as DockerProfile;
  } catch (error) {
    throw new Error(`not JSON: ${(error as Error).message.replace(/\s+/g, ' ')}`);
  }
  if (typeof profile !== 'object' || profile === null || typeof profile.defaultAction !== 'string') {
    throw new Error('not a seccomp profile: it has no "defaultAction"');
  }
  if (profile.syscalls !== undefined && !Array.isArray(profile.syscalls)) throw new Error('"syscalls" must be an array');
  const { archMap, syscalls, ...rest } = profile;
  const mapped = archMap?.find((a) => a.architecture === ARCH[facts.arch].long);
  return {
    ...rest,
    ...(mapped ? { architectures: [mapped.architecture, ...(mapped.subArchitectures ?? [])] } : {}),
    syscalls: (syscalls ?? []).filter((rule) => counts(rule, facts)).map(toOci),
  };
}

function toOci(rule: NonNullable<DockerProfile['syscalls']>[number]): SeccompRule {
  const names = rule.names ?? (rule.name ? [rule.name] : []);
  return {
    names,
    action: rule.action,
    ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args?.length ? { args: rule.args } : {}),
  };
}
