/** `docker tag`: one more name for an image; who had it before keeps what is his (see dangling.ts). */
import { formatReference, type Reference } from '../../containerd/registry/reference.ts';
import type { Daemon } from '../daemon.ts';
import type { Image } from './images.ts';
import { shown } from './reference.ts';
import { tellOfImage } from './tell.ts';

export async function tagImage({ stores, events }: Pick<Daemon, 'stores' | 'events'>, image: Image, name: Reference): Promise<void> {
  const full = formatReference(name);
  await stores.images.put({ name: full, target: image.target });
  tellOfImage(events, 'tag', image.id, shown(full), image);
}
