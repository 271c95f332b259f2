/** `docker import`: a tar of files becomes an image of one layer. */
import type { Readable } from 'node:stream';
import { importRootfs } from '../../containerd/archive/import-rootfs.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import { formatReference, type Reference } from '../../containerd/registry/reference.ts';
import type { Daemon } from '../daemon.ts';
import { danglingName } from './dangling.ts';
import { tellOfImage } from './tell.ts';

export interface ImportRequest {
  tar: Readable;
  /** Without one it is kept, and shown as `<none>`. */
  name?: Reference | undefined;
  /** Lines of a Dockerfile. */
  changes: string[];
  message: string;
  platform?: Platform | undefined;
}

/** @returns the image's id @throws invalid argument for the changes, or for what is no tar */
export async function importImage(
  { stores, events }: Pick<Daemon, 'stores' | 'events'>,
  { tar, name, changes, message, platform }: ImportRequest,
): Promise<string> {
  const { config } = await importRootfs(stores, tar, {
    ...(name ? { name: formatReference(name) } : {}),
    nameless: danglingName,
    changes,
    message,
    ...(platform ? { platform } : {}),
  });
  tellOfImage(events, 'import', config.digest, config.digest);
  return config.digest;
}
