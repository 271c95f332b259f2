/** The names of an image as Docker shows them: tags, and digests of the repositories that it is known in. */
import { parseReference, type Reference } from '../../containerd/registry/reference.ts';
import type { ContentPort } from '../../containerd/transfer/ports.ts';
import { DANGLING, isFrom } from './dangling.ts';
import type { Image, ImageName } from './images.ts';

export interface ImageReference {
  /** What to take away so that it is gone; missing for a digest that follows from a tag. */
  record?: string;
  /** undefined for a name that is none of Docker's. */
  reference?: Reference;
  /** In full. */
  name: string;
}

export const isDigestReference = ({ reference }: ImageReference): boolean => reference?.digest !== undefined;

function parsed(record: ImageName): ImageReference {
  try {
    return { record: record.name, name: record.name, reference: parseReference(record.name) };
  } catch {
    return { record: record.name, name: record.name };
  }
}

/**
 * An image that was pulled or pushed as `alpine:3` is known as `alpine@sha256:…` as well, as long
 * as a tag of that repository stands for it.
 * @param image of `list`, with all its records
 */
export async function referencesOf(content: ContentPort, { records }: Pick<Image, 'records'>): Promise<ImageReference[]> {
  const found = new Map<string, ImageReference>();
  for (const record of records) {
    if (record.name.startsWith(DANGLING)) continue;
    const own = parsed(record);
    found.set(own.name, own);
    if (!own.reference || own.reference.digest !== undefined) continue;
    const { domain, path } = own.reference;
    const { digest } = record.target;
    const name = `${domain}/${path}@${digest}`;
    if (!found.has(name) && (await isFrom(content, digest, domain, path))) found.set(name, { name, reference: { domain, path, digest } });
  }
  return [...found.values()];
}
