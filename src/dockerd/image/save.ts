/** `docker save`: images as one archive. */
import type { Readable } from 'node:stream';
import { type Saved, save } from '../../containerd/archive/save.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import { formatReference, parseReference } from '../../containerd/registry/reference.ts';
import type { Daemon } from '../daemon.ts';
import type { Image, Images } from './images.ts';
import { fullName } from './reference.ts';
import { tellOfImage } from './tell.ts';

interface Wanted extends Saved {
  image: Image;
}

/** The repository that a text means, if it is one without tag and digest. */
function repositoryOf(text: string): string | undefined {
  try {
    const reference = parseReference(text);
    return reference.tag === undefined && reference.digest === undefined ? formatReference(reference) : undefined;
  } catch {
    return undefined;
  }
}

/** In full; undefined for what can only be an id. */
const nameIn = (text: string): string | undefined => (/^(sha256:)?[0-9a-f]{64}$/.test(text) ? undefined : fullName(text));

/** A repository stands for all its tags; what is named by an id has no name in the archive. @throws 404 */
async function wantedBy(images: Images, text: string): Promise<Wanted[]> {
  const repository = repositoryOf(text);
  if (repository !== undefined) {
    const tagged = (await images.list()).flatMap((image) =>
      image.records.filter(({ name }) => name.startsWith(`${repository}:`)).map(({ name, target }) => ({ image, name, target })),
    );
    if (tagged.length > 0) return tagged;
  }
  const image = await images.get(text);
  const [record] = image.records.filter(({ name }) => name === nameIn(text));
  return [{ image, target: image.target, ...(record ? { name: record.name } : {}) }];
}

/** Everything is looked at before the first byte comes. @throws 404 */
export async function saveImages(
  { stores, images, events }: Pick<Daemon, 'stores' | 'images' | 'events'>,
  names: readonly string[],
  platform: Platform | undefined,
): Promise<Readable> {
  const wanted: Wanted[] = [];
  for (const name of names) wanted.push(...(await wantedBy(images, name)));
  const tar = await save(stores, wanted, platform ? { platform } : {});
  for (const image of new Set(wanted.map(({ image }) => image))) tellOfImage(events, 'save', image.id, image.id, image);
  return tar;
}
