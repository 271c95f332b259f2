/**
 * Which containers share one process, and where it can be reached.
 *
 * A Node process of its own for each container would cost more memory than the container
 * (docs/shim.md has the numbers), so by default all containers of a namespace share one. A label
 * groups them more finely, as with containerd's own shim; native/minirun-shim.c follows the same rules.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Flags } from './flags.ts';

/** Annotations of config.json that name a group; the first one counts. The names are containerd's. */
const LABELS = ['io.containerd.runc.v2.group', 'io.kubernetes.cri.sandbox-id'];

/** What the process holds: all containers of the namespace, those with one label, or a single one. */
export type Group = { kind: 'namespace' } | { kind: 'label' | 'container'; name: string };

/**
 * @param config text of config.json
 * @param wish MINIRUN_SHIM_GROUP: `container` gives each container without a label a process of its own
 */
export function groupOf(config: string, id: string, wish = process.env.MINIRUN_SHIM_GROUP): Group {
  // Read only where a label can be in it: it is long, and asked for twice at each start.
  if (LABELS.some((label) => config.includes(label))) {
    const { annotations = {} } = JSON.parse(config) as { annotations?: Record<string, string> };
    const name = LABELS.map((label) => annotations[label]).find(Boolean);
    if (name) return { kind: 'label', name };
  }
  return wish === 'container' ? { kind: 'container', name: id } : { kind: 'namespace' };
}

/** Where all shims' sockets are: containerd's place. */
export const SOCKETS = '/run/containerd/s';

/** Makes the folder of the sockets. Others may pass through it, and not look. */
export function makeSocketFolder(): string {
  mkdirSync(SOCKETS, { recursive: true, mode: 0o711 });
  return SOCKETS;
}

/**
 * The path of the group's socket. A hash, as a socket's path has 108 bytes at most, and ids may have 76
 * and containerd's own path any number. Who finds it there by chance shares a process, and no more.
 */
export function socketPath({ address, namespace }: Pick<Flags, 'address' | 'namespace'>, group: Group): string {
  const seed = [address, namespace, group.kind === 'namespace' ? '' : group.name].join('/');
  return join(SOCKETS, `minirun-${fnv1a(Buffer.from(seed)).toString(16).padStart(16, '0')}`);
}

/** FNV-1a, 64 bits: a hash that fits into a line of C. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
