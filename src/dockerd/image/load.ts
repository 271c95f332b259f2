/** `docker load`: the images of an archive, with the names that they have there. */
import type { Readable } from 'node:stream';
import { load } from '../../containerd/archive/load.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import type { Progress } from '../../containerd/transfer/progress.ts';
import type { Daemon } from '../daemon.ts';
import type { Messages } from '../http/messages.ts';
import { danglingName } from './dangling.ts';
import { shown } from './reference.ts';
import { shortId } from './removal.ts';
import { tellOfImage } from './tell.ts';

export interface LoadRequest {
  tar: Readable;
  /** Say what was loaded, and not how it went. */
  quiet: boolean;
  platform?: Platform | undefined;
}

/** @throws invalid argument for what is no archive of images, failed precondition for one that is damaged; no image is changed then */
export async function loadImages(
  { stores, images, events }: Pick<Daemon, 'stores' | 'images' | 'events'>,
  { tar, quiet, platform }: LoadRequest,
  messages: Messages,
): Promise<void> {
  const progress = ({ status, digest = '', total = 0 }: Progress) => {
    if (quiet) return;
    const id = shortId(digest);
    if (status === 'unpacking') messages.progress({ id, status: 'Loading layer', progressDetail: { current: 0, total } });
    if (status === 'unpacked') messages.progress({ id, status: 'Loading layer', progressDetail: { current: total, total } });
  };
  const loaded = await load(stores, tar, { nameless: danglingName, progress, ...(platform ? { platform } : {}) });
  const all = await images.list();
  const find = ({ digest }: Descriptor) => all.find(({ records }) => records.some(({ target }) => target.digest === digest));
  for (const { name, target } of loaded.images) {
    const image = find(target);
    const id = image?.id ?? target.digest;
    const named = name !== danglingName(target);
    messages.send({ stream: named ? `Loaded image: ${shown(name)}\n` : `Loaded image ID: ${id}\n` });
    tellOfImage(events, 'load', id, named ? shown(name) : id, image);
  }
}
