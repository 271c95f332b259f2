/**
 * The sense of what config.json asks of the kernel for the process and its devices: capabilities,
 * memory policy, processors, network interfaces. Source: runtime-spec 1.3, config.md and config-linux.md;
 * set_mempolicy(2), sched_setaffinity(2), netdevice(7).
 */
import { CAPABILITIES } from '../../libc/capabilities.ts';
import type { Config } from './config.ts';
import { numbersOf } from './number-list.ts';
import { below, Violation } from './shape.ts';

/** IFNAMSIZ, with the NUL that ends the name. */
const IFNAMSIZ = 16;

/** A name that the kernel accepts for an interface (dev_valid_name in net/core/dev.c). */
export const isInterfaceName = (name: string): boolean =>
  name !== '' && Buffer.byteLength(name) < IFNAMSIZ && name !== '.' && name !== '..' && !/[/:\s]/.test(name);

/** Checks these parts of a config whose shape is right. Throws a {@link Violation}. */
export function checkKernelRules(config: Config): void {
  checkCapabilities(config);
  checkMemoryPolicy(config);
  checkAffinity(config);
  checkNetDevices(config);
}

/** capset(2) refuses an effective set that is not in the permitted one. Unknown names are left out later. */
function checkCapabilities(config: Config): void {
  const { effective, permitted } = config.process?.capabilities ?? {};
  effective?.forEach((name, i) => {
    if (CAPABILITIES.includes(name) && !permitted?.includes(name))
      throw new Violation(`/process/capabilities/effective/${i}`, name, 'capabilities that are in "permitted" as well');
  });
}

function checkList(text: string, at: string, words = ''): number[] {
  try {
    return numbersOf(text);
  } catch (error) {
    throw new Violation(at, text, `a list of numbers and ranges, such as 0-3,6: ${words}${(error as Error).message}`);
  }
}

/** set_mempolicy(2): which modes take nodes and which must have some. */
function checkMemoryPolicy(config: Config): void {
  const policy = config.linux?.memoryPolicy;
  if (!policy) return;
  const at = '/linux/memoryPolicy/nodes';
  const nodes = checkList(policy.nodes ?? '', at, 'invalid memory policy nodes: ');
  const none = policy.mode === 'MPOL_DEFAULT' || policy.mode === 'MPOL_LOCAL';
  if (none && nodes.length)
    throw new Violation(at, policy.nodes, `nothing with ${policy.mode} (memory policy mode requires 0 nodes but got ${nodes.length})`);
  if (!none && policy.mode !== 'MPOL_PREFERRED' && !nodes.length)
    throw new Violation(
      at,
      policy.nodes,
      `at least one node with ${policy.mode} (memory policy mode requires at least one node but got 0)`,
    );
}

function checkAffinity(config: Config): void {
  const affinity = config.process?.execCPUAffinity;
  for (const key of ['initial', 'final'] as const) {
    if (affinity?.[key]) checkList(affinity[key], `/process/execCPUAffinity/${key}`);
  }
}

function checkNetDevices(config: Config): void {
  const devices = Object.entries(config.linux?.netDevices ?? {});
  if (!devices.length) return;
  if (!config.linux?.namespaces?.some((n) => n.type === 'network'))
    throw new Violation(
      '/linux/netDevices',
      config.linux?.netDevices,
      'nothing without a "network" namespace: there is nowhere to move them',
    );
  const names = new Set<string>();
  for (const [device, { name }] of devices) {
    const at = below('/linux/netDevices', device);
    if (!isInterfaceName(device)) throw new Violation(at, device, 'the name of a network interface, at most 15 bytes');
    const inside = name || device;
    if (!isInterfaceName(inside)) throw new Violation(`${at}/name`, name, 'the name of a network interface, at most 15 bytes');
    if (names.has(inside)) throw new Violation(`${at}/name`, inside, 'a name that no other interface gets');
    if (!inside.includes('%')) names.add(inside);
  }
}
