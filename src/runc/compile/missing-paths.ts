/** Folders and files of the host that a config names and that are not there: said before anything is made. */
import { posix } from 'node:path';
import type { Host } from '../host/facts.ts';
import type { Config } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import { isBind, isRemount } from './mount-sources.ts';

/**
 * One sentence for each. An ordinary user cannot look everywhere: what it does not see, the steps find out.
 * @param bundle absolute folder against which relative paths are resolved
 */
export function missingPaths(config: Config, host: Host, bundle: string): string[] {
  if (host.uid !== 0) return [];
  const found: string[] = [];
  const root = config.root?.path ?? 'rootfs';
  const rootfs = posix.resolve(bundle, root);
  const kind = host.files[root];
  if (kind === 'missing') found.push(`#/root/path: ${rootfs} does not exist; it must be the folder that becomes the container's /`);
  else if (kind !== undefined && kind !== 'dir') found.push(`#/root/path: ${rootfs} is not a folder`);
  config.mounts?.forEach((m, i) => {
    const options = parseMountOptions(m.options ?? []);
    if (!m.source || !isBind(m, options) || isRemount(options) || host.files[m.source] !== 'missing') return;
    const source = posix.resolve(bundle, m.source);
    // A mount that is made before may bring it.
    if (`${source}/`.startsWith(`${rootfs}/`)) return;
    found.push(`#/mounts/${i}/source: ${source} does not exist; make it, or leave out the mount of ${m.destination}`);
  });
  return found;
}
