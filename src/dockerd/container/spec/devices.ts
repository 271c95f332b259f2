/** `--device`, `--device-cgroup-rule`, `--privileged`: which device files a container has, and may use. */
import { existsSync } from 'node:fs';
import { devicesAt } from '../../../runc/host/device-nodes.ts';
import type { Device, DeviceRule } from '../../../runc/spec/config.ts';
import { DEVICE_RULES } from '../../../runc/spec/default-config.ts';
import { deviceRule, placedDevices } from '../../../runc/spec/devices.ts';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';

/** The nodes at each path that a container's config names and that there is, several below a folder; under '' all of /dev. */
export type HostDevices = Readonly<Record<string, readonly Device[]>>;

/** Looks at the host's device files; what {@link containerDevices} and the limits of block devices need. */
export function readHostDevices(hostConfig: HostConfig): HostDevices {
  const paths = [
    ...(hostConfig.Devices ?? []).map(({ PathOnHost }) => PathOnHost ?? ''),
    ...(hostConfig.BlkioWeightDevice ?? []).map(({ Path }) => Path),
    ...(['BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps'] as const).flatMap((field) =>
      (hostConfig[field] ?? []).map(({ Path }) => Path),
    ),
  ];
  const found: Record<string, Device[]> = {};
  for (const path of paths) if (path !== '' && existsSync(path)) found[path] = devicesAt(path);
  if (hostConfig.Privileged) found[''] = devicesAt('/dev');
  return found;
}

const RULE = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/;

/** `c 10:* rw` as a rule. @throws 400 */
export function cgroupRule(text: string): DeviceRule {
  const [, type, major, minor, access] = RULE.exec(text) ?? [];
  if (type === undefined) throw badRequest(`invalid device cgroup rule format: '${text}'`);
  return {
    allow: true,
    type: type as 'a' | 'c' | 'b',
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access: access as string,
  };
}

/** @throws 400 for a path without a device, permissions that are none, a rule that is none */
export function containerDevices(hostConfig: HostConfig, host: HostDevices): { devices: Device[]; rules: DeviceRule[] } {
  const devices = new Map((hostConfig.Privileged ? (host[''] ?? []) : []).map((device) => [device.path, device]));
  const rules: DeviceRule[] = [];
  for (const { PathOnHost = '', PathInContainer, CgroupPermissions } of hostConfig.Devices ?? []) {
    const access = CgroupPermissions || 'rwm';
    if (!/^[rwm]{1,3}$/.test(access)) throw badRequest(`invalid device mode: ${access}`);
    const nodes = host[PathOnHost];
    if (!nodes?.length) {
      const why = nodes ? 'not a device node' : 'no such file or directory';
      throw badRequest(`error gathering device information while adding custom device ${JSON.stringify(PathOnHost)}: ${why}`);
    }
    for (const device of placedDevices(nodes, PathOnHost, PathInContainer || PathOnHost)) {
      devices.set(device.path, device);
      rules.push(deviceRule(device, access));
    }
  }
  const all: DeviceRule[] = hostConfig.Privileged
    ? [{ allow: true, access: 'rwm' }]
    : [...structuredClone(DEVICE_RULES as DeviceRule[]), ...rules, ...(hostConfig.DeviceCgroupRules ?? []).map(cgroupRule)];
  return { devices: [...devices.values()], rules: all };
}
