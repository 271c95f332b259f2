/**
 * Images without a name. containerd keeps only what a name leads to, so an image that has lost its
 * last one (its tag moved on, a container still uses it) gets a name that is not shown.
 */
import { isNotFound } from '../../containerd/errors.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { parseReference } from '../../containerd/registry/reference.ts';
import { infoOf } from '../../containerd/transfer/content.ts';
import { sourceLabel } from '../../containerd/transfer/gc-labels.ts';
import type { ContentPort, ImagesPort, Image as Named, Stores } from '../../containerd/transfer/ports.ts';

/** containerd's name of an image that has lost its own: kept for the containers that use it, shown as `<none>`. */
export const DANGLING = 'moby-dangling@';

/** The name that keeps an image which has no other. */
export const danglingName = ({ digest }: Descriptor): string => `${DANGLING}${digest}`;

/** Whether this content came from that repository, or was sent to it. */
export async function isFrom(content: ContentPort, digest: string, domain: string, path: string): Promise<boolean> {
  const labels = (await infoOf(content, digest))?.labels ?? {};
  return (labels[sourceLabel(domain)] ?? '').split(',').includes(path);
}

/**
 * What an image is called when this name is taken from it: by its digest where it came from a
 * registry (as `docker images --digests` shows it), else nothing that is shown.
 */
async function nameAfter(content: ContentPort, { name, target }: Named): Promise<string> {
  try {
    const { domain, path } = parseReference(name);
    if (await isFrom(content, target.digest, domain, path)) return `${domain}/${path}@${target.digest}`;
  } catch {
    // A name that others gave it in containerd, of another form than Docker's.
  }
  return danglingName(target);
}

function keepingImages(content: ContentPort, images: ImagesPort): ImagesPort {
  const current = async (name: string): Promise<Named | undefined> => {
    try {
      return await images.get(name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    get: (name) => images.get(name),
    list: () => images.list(),
    async put(image) {
      const before = await current(image.name);
      if (before && before.target.digest !== image.target.digest && (await infoOf(content, before.target.digest))) {
        const others = (await images.list()).some(({ name, target }) => name !== image.name && target.digest === before.target.digest);
        // First the other name: a daemon that is killed between the two has lost nothing.
        if (!others) await images.put({ name: await nameAfter(content, before), target: before.target });
      }
      return images.put(image);
    },
  };
}

/** The same stores; but when a name moves on, the image that had it stays, as in Docker. Whoever names images uses these. */
export function keepingStores(stores: Stores): Stores {
  const { content, images, leased } = stores;
  return {
    ...stores,
    images: keepingImages(content, images),
    leased: (act) => leased((inner) => act({ ...inner, images: keepingImages(inner.content, inner.images) })),
  };
}
