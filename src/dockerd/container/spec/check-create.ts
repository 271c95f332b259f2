/** What can be known to be wrong with a container before it is made, and what its config comes to. */
import { posix } from 'node:path';
import type { MachineFacts } from '../../host/facts.ts';
import type { DaemonOptions } from '../../options.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { capabilityNames, capabilityWarnings } from './capabilities.ts';
import { withDefaults } from './defaults.ts';
import { checkUlimits, rlimitWarnings } from './rlimits.ts';
import { parseSecurityOptions } from './security-options.ts';

export interface CheckedCreate {
  /** The working directory cleaned. */
  config: ContainerConfig;
  /** With defaults in, and without what this kernel cannot keep: what `inspect` shows, and what ociConfig wants. */
  hostConfig: HostConfig;
  warnings: string[];
}

/**
 * @param config merged with the image's
 * @throws ApiError 400 in Docker's words
 */
export function checkCreate(
  config: ContainerConfig,
  hostConfig: HostConfig,
  facts: MachineFacts,
  options: Pick<DaemonOptions, 'defaultShmSize' | 'defaultRuntime' | 'runtimes' | 'logDriver' | 'logOptions'>,
): CheckedCreate {
  checkUlimits(hostConfig.Ulimits ?? []);
  capabilityNames(hostConfig.CapDrop ?? [], 'CapDrop');
  parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const warnings = [...capabilityWarnings(hostConfig, facts), ...rlimitWarnings(hostConfig, facts)];
  return {
    config: { ...config, ...(config.WorkingDir ? { WorkingDir: posix.normalize(config.WorkingDir) } : {}) },
    hostConfig: withDefaults(hostConfig, facts, options),
    warnings,
  };
}
