/** Device nodes of the host that a container is given, and the cgroup rules that let it use them. */
import type { Device, DeviceRule } from './config.ts';

/** @param access letters of `rwm`: read, write, make nodes */
export const deviceRule = (device: Device, access: string): DeviceRule => ({
  allow: true,
  type: device.type === 'b' ? 'b' : 'c',
  ...(device.major === undefined ? {} : { major: device.major }),
  ...(device.minor === undefined ? {} : { minor: device.minor }),
  access,
});

/**
 * Nodes of the host under the names that they have in the container.
 * @param nodes the node at `source`, or all below it where that is a folder
 */
export const placedDevices = (nodes: readonly Device[], source: string, target: string): Device[] =>
  nodes.map((node) => ({ ...node, path: node.path === source ? target : target + node.path.slice(source.length) }));
