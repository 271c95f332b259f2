/**
 * What this runtime can do, whatever the machine it runs on can: the answer of `features`.
 * Source: runtime-spec 1.3, features.md and features-linux.md.
 */
import { CAPABILITIES } from '../../libc/capabilities.ts';
import { MPOL, MPOL_F } from '../../libc/flags.ts';
import { knownArchitectures, seccompVersion } from '../../libc/seccomp.ts';
import { type Host, kernelAtLeast } from '../host/facts.ts';
import { MOUNT_WORDS } from './mount-options.ts';
import { NAMESPACE_TYPES, SECCOMP_ACTIONS, SECCOMP_ARCHITECTURES, SECCOMP_FLAGS, SECCOMP_OPERATORS } from './schema.ts';

/** The newest version of the specification that is implemented. */
export const OCI_VERSION = '1.3.0';

export interface Features {
  ociVersionMin: string;
  ociVersionMax: string;
  hooks: string[];
  mountOptions: string[];
  linux: {
    namespaces: string[];
    capabilities: string[];
    cgroup: { v1: boolean; v2: boolean; systemd: boolean; systemdUser: boolean; rdma: boolean };
    seccomp: {
      enabled: boolean;
      actions?: string[];
      operators?: string[];
      archs?: string[];
      knownFlags?: string[];
      supportedFlags?: string[];
    };
    apparmor: { enabled: boolean };
    selinux: { enabled: boolean };
    intelRdt: { enabled: boolean; schemata: boolean; monitoring: boolean };
    memoryPolicy: { modes: string[]; flags: string[] };
    mountExtensions: { idmap: { enabled: boolean } };
    netDevices: { enabled: boolean };
  };
  annotations: Record<string, string>;
  potentiallyUnsafeConfigAnnotations: string[];
}

const sorted = (words: Iterable<string>): string[] => [...words].sort();

/** The kernel that has each flag; those that every supported kernel has are not listed. */
const FLAG_SINCE: Record<string, [major: number, minor: number]> = { SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: [5, 19] };

/** Filters are made by libseccomp: where it is not installed there are none. */
function seccompFeatures(host: Pick<Host, 'kernel'>, library: string | undefined): Features['linux']['seccomp'] {
  if (library === undefined) return { enabled: false };
  return {
    enabled: true,
    actions: sorted(SECCOMP_ACTIONS),
    operators: sorted(SECCOMP_OPERATORS),
    archs: sorted(knownArchitectures(SECCOMP_ARCHITECTURES)),
    knownFlags: sorted(SECCOMP_FLAGS),
    supportedFlags: sorted(SECCOMP_FLAGS.filter((flag) => kernelAtLeast(host as Host, ...(FLAG_SINCE[flag] ?? [0, 0])))),
  };
}

/** @param host the kernel's version: it decides which seccomp flags are supported */
export function features(host: Pick<Host, 'kernel'>): Features {
  const library = seccompVersion();
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: OCI_VERSION,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: [...MOUNT_WORDS],
    linux: {
      namespaces: sorted(NAMESPACE_TYPES),
      capabilities: [...CAPABILITIES],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: seccompFeatures(host, library),
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      memoryPolicy: { modes: sorted(Object.keys(MPOL)), flags: sorted(Object.keys(MPOL_F)) },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: library === undefined ? {} : { 'io.github.seccomp.libseccomp.version': library },
    // Set by whoever writes the config; an engine must not copy them from an image that nobody vouches for.
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', 'org.criu.config', 'minirun.id'],
  };
}
