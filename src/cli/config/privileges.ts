/** --cap-add, --cap-drop, --privileged, --device, seccomp: what the command may do. */
import { capabilitiesAfter } from '../../runc/spec/capability-sets.ts';
import type { Config, DeviceRule, Process, Seccomp } from '../../runc/spec/config.ts';
import { seccompFor } from '../../runc/spec/default-config.ts';
import { deviceRule, placedDevices } from '../../runc/spec/devices.ts';
import { parseSeccompProfile } from '../../runc/spec/seccomp-profile.ts';
import { unmask } from '../../runc/spec/unmask.ts';
import type { Facts } from '../facts.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';

function applyCapabilities(process: Process, options: RunOptions, facts: Facts): void {
  if (!options.privileged && !options.capAdd.length && !options.capDrop.length) return;
  const current = options.privileged ? facts.bounding : (process.capabilities?.bounding ?? []);
  const names = capabilitiesAfter(current, options.capAdd, options.capDrop);
  process.capabilities = { bounding: names, effective: [...names], permitted: [...names] };
}

function applyDevices(config: Config, options: RunOptions, facts: Facts): void {
  config.linux ??= {};
  const linux = config.linux;
  const found = new Map((linux.devices ?? []).map((d) => [d.path, d]));
  const rules: DeviceRule[] = [];
  if (options.privileged) for (const device of facts.devices[''] ?? []) found.set(device.path, device);
  for (const request of options.devices) {
    const nodes = facts.devices[request.source];
    if (!nodes?.length) throw new UsageError(`${request.typed}: no device there`);
    for (const device of placedDevices(nodes, request.source, request.target)) {
      found.set(device.path, device);
      rules.push(deviceRule(device, request.access));
    }
  }
  if (found.size) linux.devices = [...found.values()];
  if (!linux.resources?.devices) return;
  if (options.privileged) linux.resources.devices = [{ allow: true, access: 'rwm' }];
  else linux.resources.devices.push(...rules);
}

/** Everything that the options say about power; call it when the config's process is there. */
export function applyPrivileges(config: Config, options: RunOptions, facts: Facts): void {
  applyCapabilities(config.process as Process, options, facts);
  applyDevices(config, options, facts);
  if (options.privileged) unmask(config);
  config.linux ??= {};
  const linux = config.linux;
  const { seccomp } = options.security;
  const capabilities = config.process?.capabilities?.bounding ?? [];
  if (seccomp === 'unconfined') delete linux.seccomp;
  else if (seccomp !== undefined && seccomp !== 'builtin') linux.seccomp = profile(seccomp, capabilities, facts);
  else if (!options.privileged && (!facts.base || seccomp === 'builtin')) linux.seccomp = seccompFor(config, facts.arch, facts.kernel);
}

function profile(name: string, capabilities: readonly string[], facts: Facts): Seccomp {
  try {
    return parseSeccompProfile(facts.files[name] ?? '', { capabilities, arch: facts.arch, kernel: facts.kernel });
  } catch (error) {
    throw new UsageError(`--security-opt seccomp=${name}: ${(error as Error).message}`);
  }
}
