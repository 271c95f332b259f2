/** Whether the container's root passes mount events on: mount_namespaces(7), runtime-spec `rootfsPropagation`. */
import type { Config, Mount } from './config.ts';

/**
 * A mount passes events on only if the mounts above it do: with a shared or slave volume the root
 * of the container must be so too, or the kernel cuts the connection (mount_namespaces(7)).
 */
export function applyRootPropagation(config: Config, asked: readonly Mount[]): void {
  config.linux ??= {};
  const linux = config.linux;
  const words = asked.flatMap((m) => m.options ?? []);
  const shared = (value: string | undefined) => value === 'shared' || value === 'rshared';
  if (words.includes('shared') || words.includes('rshared')) {
    if (!shared(linux.rootfsPropagation)) linux.rootfsPropagation = 'shared';
  } else if (words.includes('slave') || words.includes('rslave')) {
    if (!shared(linux.rootfsPropagation)) linux.rootfsPropagation = 'rslave';
  }
}
