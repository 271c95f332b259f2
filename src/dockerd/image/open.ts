/** Looking images up in containerd's stores. What has been read once stays known: content never changes. */
import { isNotFound } from '../../containerd/errors.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { childrenOf, hasManifests } from '../../containerd/registry/manifest.ts';
import { defaultPlatform, formatPlatform, type Platform, selectPlatform } from '../../containerd/registry/platform.ts';
import { formatReference, parseReference } from '../../containerd/registry/reference.ts';
import { chainIds } from '../../containerd/transfer/chain-id.ts';
import { infoOf, readConfigBytes, readManifest } from '../../containerd/transfer/content.ts';
import type { Image as Named, Stores } from '../../containerd/transfer/ports.ts';
import type { ContainerdClients } from '../containerd/clients.ts';
import { badRequest, notFound } from '../http/api-error.ts';
import { DANGLING } from './dangling.ts';
import type { Image, ImageConfig, ImageName, Images } from './images.ts';
import { openLayerSizes } from './layer-sizes.ts';
import { completeName, shown } from './reference.ts';

export { DANGLING } from './dangling.ts';

type Known = Omit<Image, 'names' | 'records' | 'target'>;

/** Attestations of builds stand in an index beside the images. */
const isAttestation = ({ annotations }: Descriptor): boolean => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';

/** Read far enough to be an image. */
async function readImage(
  { content }: Stores,
  target: Descriptor,
  platform: Platform | undefined,
): Promise<{ image: Known; best: boolean } | undefined> {
  if (!(await infoOf(content, target.digest))) return undefined;
  const parsed = await readManifest(content, target);
  if (!hasManifests(parsed)) {
    if (!(await infoOf(content, parsed.config.digest))) return undefined;
    const config = JSON.parse((await readConfigBytes(content, parsed.config)).toString('utf8')) as ImageConfig;
    const chainId = chainIds(config.rootfs?.diff_ids ?? []).at(-1) ?? '';
    return { image: { id: parsed.config.digest, manifest: target, config, chainId }, best: true };
  }
  const children = childrenOf(parsed).filter((child) => !isAttestation(child));
  const runnable = selectPlatform(children, platform ?? defaultPlatform());
  // An image that was pulled for another machine is an image, too.
  const others = platform ? [] : children.filter((child) => !runnable.includes(child));
  for (const [i, child] of [...runnable, ...others].entries()) {
    const below = await readImage({ content } as Stores, child, platform);
    if (below) return { image: below.image, best: below.best && i === 0 };
  }
  return undefined;
}

export function openImages(stores: Stores, { snapshots }: Pick<ContainerdClients, 'snapshots'>, snapshotter: string): Images {
  const known = new Map<string, Known>();
  const sizes = openLayerSizes(stores.content, snapshots, snapshotter);

  /** The image of this machine's platform, or of any that is here. */
  async function imageOf(target: Descriptor): Promise<Known | undefined> {
    const found = known.get(target.digest);
    if (found) return found;
    const read = await readImage(stores, target, undefined);
    // A better one may be pulled into the same index later.
    if (read?.best) known.set(target.digest, read.image);
    return read?.image;
  }

  async function list(): Promise<Image[]> {
    const byId = new Map<string, Image>();
    const targets = new Set<string>();
    for (const record of await stores.images.list()) {
      const { name, target } = record;
      targets.add(target.digest);
      const read = await imageOf(target);
      // What others keep in this namespace and is no image, or not all here.
      if (!read) continue;
      const image = byId.get(read.id) ?? { ...read, target: plain(target), names: [], records: [] };
      if (!name.startsWith(DANGLING)) image.names.push(name);
      image.records.push(nameOf(record));
      byId.set(read.id, image);
    }
    for (const digest of known.keys()) if (!targets.has(digest)) known.delete(digest);
    sizes.keepOnly(new Set([...known.values()].flatMap(({ config }) => chainIds(config.rootfs?.diff_ids ?? []))));
    return [...byId.values()];
  }

  async function byName(full: string): Promise<Image | undefined> {
    let record: Named;
    try {
      record = await stores.images.get(full);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    const image = await imageOf(record.target);
    return image && { ...image, target: plain(record.target), names: [full], records: [nameOf(record)] };
  }

  async function byId(text: string): Promise<Image | undefined> {
    const digits = text.replace(/^sha256:/, '');
    if (!/^[0-9a-f]{1,64}$/.test(digits)) return undefined;
    const begin = `sha256:${digits}`;
    const found = (await list()).filter(
      ({ id, records }) => id.startsWith(begin) || records.some((r) => r.target.digest.startsWith(begin)),
    );
    if (found.length > 1) throw badRequest(`ambiguous reference: ${text} is the beginning of ${found.length} ids`);
    return found[0];
  }

  async function find(text: string): Promise<Image> {
    if (/^(sha256:)?[0-9a-f]{64}$/.test(text)) {
      const image = await byId(text);
      if (image) return image;
      throw notFound(`No such image: sha256:${text.replace(/^sha256:/, '')}`);
    }
    const full = formatReference(completeName(text));
    const image = (await byName(full)) ?? (await byDigest(full, list)) ?? (await byId(text));
    if (!image) throw notFound(`No such image: ${shown(full)}`);
    return image;
  }

  return {
    list,
    async get(reference, platform) {
      const text = reference.trim();
      const image = await find(text);
      if (!platform) return image;
      const read = (await readImage(stores, image.target, platform))?.image;
      const only = read ?? image;
      if (selectPlatform([{ platform: only.config }], platform).length > 0) return { ...image, ...only };
      const [actual, wanted] = [formatPlatform(only.config), formatPlatform(platform)];
      throw notFound(
        `image with reference ${text} was found but its platform (${actual}) does not match the specified platform (${wanted})`,
      );
    },
    async withNames(image) {
      const whole = (await list()).find(
        ({ id, records }) => id === image.id || records.some(({ target }) => target.digest === image.target.digest),
      );
      return whole ? { ...image, names: whole.names, records: whole.records } : image;
    },
    layers: (image) => sizes.of(image),
    async size(image) {
      return (await sizes.of(image)).reduce((sum, { size }) => sum + size, 0);
    },
  };
}

/** containerd keeps an empty set of annotations where there are none. */
function plain({ annotations, ...target }: Descriptor): Descriptor {
  return annotations && Object.keys(annotations).length > 0 ? { ...target, annotations } : target;
}

const nameOf = ({ name, target, updatedAt }: Named & { updatedAt?: string }): ImageName => ({
  name,
  target: plain(target),
  ...(updatedAt ? { updatedAt } : {}),
});

/** `name@sha256:…`, whatever tags the image has. */
async function byDigest(full: string, list: () => Promise<Image[]>): Promise<Image | undefined> {
  const { domain, path, digest } = parseReference(full);
  if (digest === undefined) return undefined;
  for (const image of await list()) {
    const record = image.records.find(({ name, target }) => target.digest === digest && isOf(name, domain, path));
    if (record) return { ...image, target: record.target };
  }
  return undefined;
}

function isOf(name: string, domain: string, path: string): boolean {
  try {
    const other = parseReference(name);
    return other.domain === domain && other.path === path;
  } catch {
    return false;
  }
}
