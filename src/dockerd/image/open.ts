/** Looking images up in containerd's stores. What has been read once stays known: content never changes. */

import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { childrenOf, hasManifests } from '../../containerd/registry/manifest.ts';
import { defaultPlatform, selectPlatform } from '../../containerd/registry/platform.ts';
import { familiarReference, formatReference, parseReference, withDefaultTag } from '../../containerd/registry/reference.ts';
import { chainIds } from '../../containerd/transfer/chain-id.ts';
import { infoOf, readConfigBytes, readManifest } from '../../containerd/transfer/content.ts';
import type { Stores } from '../../containerd/transfer/ports.ts';
import { badRequest, notFound } from '../http/api-error.ts';
import type { Image, ImageConfig, Images } from './images.ts';

type Known = Omit<Image, 'names' | 'target'>;

/** containerd's name of an image that has lost its own: kept for the containers that use it, shown as `<none>`. */
export const DANGLING = 'moby-dangling@';

export function openImages(stores: Stores): Images {
  const known = new Map<string, Known>();
  const { content } = stores;

  /** The manifest of this platform, if it is here. */
  async function manifestOf(target: Descriptor): Promise<Descriptor | undefined> {
    const parsed = await readManifest(content, target);
    if (!hasManifests(parsed)) return target;
    for (const child of selectPlatform(childrenOf(parsed), defaultPlatform())) {
      if (!(await infoOf(content, child.digest))) continue;
      const below = await manifestOf(child);
      if (below) return below;
    }
    return undefined;
  }

  async function readImage(target: Descriptor): Promise<Known | undefined> {
    const found = known.get(target.digest);
    if (found) return found;
    if (!(await infoOf(content, target.digest))) return undefined;
    const manifest = await manifestOf(target);
    if (!manifest) return undefined;
    const parsed = await readManifest(content, manifest);
    if (hasManifests(parsed) || !(await infoOf(content, parsed.config.digest))) return undefined;
    const config = JSON.parse((await readConfigBytes(content, parsed.config)).toString('utf8')) as ImageConfig;
    const chainId = chainIds(config.rootfs?.diff_ids ?? []).at(-1) ?? '';
    const image: Known = { id: parsed.config.digest, manifest, config, chainId };
    known.set(target.digest, image);
    return image;
  }

  async function list(): Promise<Image[]> {
    const byTarget = new Map<string, Image>();
    for (const { name, target } of await stores.images.list()) {
      const image = byTarget.get(target.digest) ?? { ...((await readImage(target)) ?? missing()), target, names: [] };
      if (image.id === '') continue;
      if (!name.startsWith(DANGLING)) image.names.push(name);
      byTarget.set(target.digest, image);
    }
    for (const digest of known.keys()) if (!byTarget.has(digest)) known.delete(digest);
    return [...byTarget.values()];
  }

  async function byName(full: string): Promise<Image | undefined> {
    const all = await stores.images.list();
    const found = all.find(({ name }) => name === full);
    if (!found) return undefined;
    const image = await readImage(found.target);
    if (!image) return undefined;
    const names = all
      .filter(({ name, target }) => target.digest === found.target.digest && !name.startsWith(DANGLING))
      .map(({ name }) => name);
    return { ...image, target: found.target, names };
  }

  async function byId(text: string): Promise<Image | undefined> {
    const digits = text.replace(/^sha256:/, '');
    if (!/^[0-9a-f]{1,64}$/.test(digits)) return undefined;
    const found = (await list()).filter(
      ({ id, target }) => id.startsWith(`sha256:${digits}`) || target.digest.startsWith(`sha256:${digits}`),
    );
    if (found.length > 1) throw badRequest(`ambiguous reference: ${text} is the beginning of ${found.length} ids`);
    return found[0];
  }

  return {
    list,
    async get(reference) {
      const text = reference.trim();
      const isId = /^(sha256:)?[0-9a-f]{64}$/.test(text);
      const full = isId ? undefined : nameOf(text);
      const image = (full && (await byName(full))) ?? (await byDigest(text, list)) ?? (await byId(text));
      if (!image) throw notFound(`No such image: ${full ? shown(text) : text}`);
      return image;
    },
  };
}

const missing = (): Known => ({
  id: '',
  manifest: { mediaType: '', digest: '', size: 0 },
  config: { architecture: '', os: '', rootfs: { type: '', diff_ids: [] } },
  chainId: '',
});

/** @throws 400 invalid reference format */
function nameOf(text: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)));
  } catch (error) {
    throw badRequest((error as { rawMessage?: string }).rawMessage?.replace(/: invalid argument$/, '') ?? String(error));
  }
}

const shown = (text: string): string => familiarReference(withDefaultTag(parseReference(text)));

/** `name@sha256:…`, whatever tags the image has. */
async function byDigest(text: string, list: () => Promise<Image[]>): Promise<Image | undefined> {
  if (!text.includes('@')) return undefined;
  const { domain, path, digest } = parseReference(text);
  return (await list()).find(
    ({ target, names }) =>
      target.digest === digest &&
      names.some((name) => {
        const other = parseReference(name);
        return other.domain === domain && other.path === path;
      }),
  );
}
