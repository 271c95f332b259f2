/** --cap-add, --cap-drop, --privileged, --device, seccomp: what the command may do. */
import { CAPABILITIES } from '../../libc/capabilities.ts';
import type { Config, Device, DeviceRule, Process, Seccomp } from '../../runc/spec/config.ts';
import { seccompFor } from '../../runc/spec/default-config.ts';
import type { Facts } from '../facts.ts';
import type { RunOptions } from '../run-options.ts';
import { parseSeccompProfile } from '../seccomp-profile.ts';
import { UsageError } from '../usage-error.ts';

/** Docker's order: ALL first, then what is dropped, then what is added. */
export function capabilitiesAfter(current: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  const all = add.includes('ALL') ? CAPABILITIES : drop.includes('ALL') ? [] : current;
  const kept = all.filter((c) => !drop.includes(c));
  return [...new Set([...kept, ...add.filter((c) => c !== 'ALL')])];
}

function applyCapabilities(process: Process, options: RunOptions, facts: Facts): void {
  if (!options.privileged && !options.capAdd.length && !options.capDrop.length) return;
  const current = options.privileged ? facts.bounding : (process.capabilities?.bounding ?? []);
  const names = capabilitiesAfter(current, options.capAdd, options.capDrop);
  process.capabilities = { bounding: names, effective: [...names], permitted: [...names] };
}

const rule = (device: Device, access: string): DeviceRule => ({
  allow: true,
  type: device.type === 'b' ? 'b' : 'c',
  ...(device.major === undefined ? {} : { major: device.major }),
  ...(device.minor === undefined ? {} : { minor: device.minor }),
  access,
});

function applyDevices(config: Config, options: RunOptions, facts: Facts): void {
  config.linux ??= {};
  const linux = config.linux;
  const found = new Map((linux.devices ?? []).map((d) => [d.path, d]));
  const rules: DeviceRule[] = [];
  if (options.privileged) for (const device of facts.devices[''] ?? []) found.set(device.path, device);
  for (const request of options.devices) {
    const nodes = facts.devices[request.source];
    if (!nodes?.length) throw new UsageError(`${request.typed}: no device there`);
    for (const node of nodes) {
      const path = node.path === request.source ? request.target : request.target + node.path.slice(request.source.length);
      found.set(path, { ...node, path });
      rules.push(rule(node, request.access));
    }
  }
  if (found.size) linux.devices = [...found.values()];
  if (!linux.resources?.devices) return;
  if (options.privileged) linux.resources.devices = [{ allow: true, access: 'rwm' }];
  else linux.resources.devices.push(...rules);
}

/** Nothing masked, /sys and the cgroups writable. */
function unmask(config: Config): void {
  config.linux ??= {};
  const linux = config.linux;
  linux.maskedPaths = [];
  linux.readonlyPaths = [];
  delete linux.seccomp;
  delete config.process?.apparmorProfile;
  for (const mount of config.mounts ?? []) {
    if (mount.type === 'sysfs' || mount.type === 'cgroup') mount.options = (mount.options ?? []).filter((o) => o !== 'ro');
  }
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

const profile = (name: string, capabilities: readonly string[], facts: Facts): Seccomp =>
  parseSeccompProfile(facts.files[name] ?? '', `--security-opt seccomp=${name}`, { capabilities, arch: facts.arch, kernel: facts.kernel });
