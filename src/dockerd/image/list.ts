/** `docker images`. */
import { pointInTime } from '../http/point-in-time.ts';
import { booleanFilter, type Filters, labelsMatch } from '../http/query.ts';
import { glob } from './glob.ts';
import type { Image, ImageLayer, Images } from './images.ts';
import { type ImageManifest, type ManifestParts, manifestsOf } from './manifests.ts';
import { shown, shownRepository } from './reference.ts';
import { type ImageReference, isDigestReference, referencesOf } from './references.ts';

export const LIST_FILTERS = ['before', 'since', 'dangling', 'label', 'reference', 'until'] as const;

/** One line of the list, in the words of the API. */
export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** seconds since 1970 */
  Created: number;
  Size: number;
  /** Bytes of layers that other images have as well; -1: not asked for. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  Containers: number;
  Descriptor?: Image['target'];
  Manifests?: ImageManifest[];
}

export interface ListOptions {
  filters: Filters;
  /** Say how much is shared with other images. */
  sharedSize?: boolean;
  /** Tell of each platform of an image. */
  manifests?: boolean;
  /** How many containers use an image; without it -1 is told. */
  containers?: (id: string) => number;
}

/** milliseconds since 1970; 0 for an image that does not say */
export const createdAt = ({ config }: Pick<Image, 'config'>): number => Date.parse(config.created ?? '') || 0;

const matches = ({ name, reference }: ImageReference, patterns: readonly RegExp[]): boolean =>
  patterns.some((pattern) => pattern.test(shown(name)) || (reference !== undefined && pattern.test(shownRepository(reference))));

/** Whether the image itself fits; names are another matter. */
async function imageTest(images: Images, filters: Filters): Promise<(image: Image) => boolean> {
  const limits = async (name: string) =>
    Promise.all((filters.get(name) ?? []).map(async (reference) => createdAt(await images.get(reference))));
  const before = Math.min(...(await limits('before')));
  const since = Math.max(...(await limits('since')));
  const until = Math.min(...(filters.get('until') ?? []).map((text) => pointInTime(text)));
  const wanted = filters.get('label');
  return (image) => {
    const created = createdAt(image);
    return created < before && created > since && created <= until && labelsMatch(wanted, image.config.config?.Labels);
  };
}

/** Bytes of layers that at least one other image has. */
function sharedOf(layers: ReadonlyMap<string, readonly ImageLayer[]>): (id: string) => number {
  const users = new Map<string, number>();
  for (const list of layers.values()) for (const { chainId } of list) users.set(chainId, (users.get(chainId) ?? 0) + 1);
  return (id) => (layers.get(id) ?? []).reduce((sum, { chainId, size }) => sum + ((users.get(chainId) ?? 0) > 1 ? size : 0), 0);
}

/** The newest first. @throws 400 for filters, 404 for an image that a filter names */
export async function listImages(
  { images, content, usersOf }: ManifestParts,
  { filters, sharedSize, manifests, containers }: ListOptions,
): Promise<ImageSummary[]> {
  const fits = await imageTest(images, filters);
  const patterns = filters.get('reference')?.map(glob);
  const dangling = booleanFilter(filters, 'dangling');
  const all = await images.list();
  const layers = new Map(await Promise.all(all.map(async (image) => [image.id, await images.layers(image)] as const)));
  const shared = sharedSize ? sharedOf(layers) : undefined;
  const found: ImageSummary[] = [];
  for (const image of all.filter(fits)) {
    const references = (await referencesOf(content, image)).filter((reference) => !patterns || matches(reference, patterns));
    const tags = references.filter((reference) => !isDigestReference(reference));
    if (patterns && references.length === 0) continue;
    if (dangling !== undefined && dangling !== (tags.length === 0)) continue;
    found.push({
      Containers: containers?.(image.id) ?? -1,
      Created: Math.floor(createdAt(image) / 1000),
      Id: image.id,
      Labels: image.config.config?.Labels ?? null,
      ParentId: '',
      RepoDigests: references.filter(isDigestReference).map(({ name }) => shown(name)),
      RepoTags: tags.map(({ name }) => shown(name)),
      SharedSize: shared?.(image.id) ?? -1,
      Size: (layers.get(image.id) ?? []).reduce((sum, { size }) => sum + size, 0),
      Descriptor: image.target,
      ...(manifests ? { Manifests: await manifestsOf({ images, content, usersOf }, image) } : {}),
    });
  }
  return found.sort((a, b) => b.Created - a.Created);
}
