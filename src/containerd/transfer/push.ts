/**
 * Pushing an image: first what it is made of, last the manifest and its tag, so that nobody who
 * pulls meanwhile finds a name for something that is not whole.
 */
import { setMaxListeners } from 'node:events';
import { notFound } from '../errors.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { childrenOf, hasManifests, MAX_MANIFEST, type Manifest } from '../registry/manifest.ts';
import { putManifest } from '../registry/manifests.ts';
import { isForeignLayer } from '../registry/media-types.ts';
import { formatPlatform, type Platform, selectPlatform } from '../registry/platform.ts';
import { formatReference, parseReference, type Reference, registryHost, withDefaultTag } from '../registry/reference.ts';
import { openRegistry, type Registry } from '../registry/registry.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import { explainRefusal } from '../registry/sources.ts';
import { pushBlob } from '../registry/upload.ts';
import { infoOf, readContent, readManifest } from './content.ts';
import { sourceLabel, withSource } from './gc-labels.ts';
import { limitTo } from './limit.ts';
import type { ContentPort, Stores } from './ports.ts';
import type { ProgressObserver } from './progress.ts';

export interface PushOptions {
  /** the image's own name where it is another than the one it is pushed to */
  image?: string;
  /** one platform of an index; all when not given, or the only one that is here */
  platform?: Platform | 'all';
  registry?: RegistrySettings;
  /** uploads at a time; 5 as in Docker */
  parallel?: number;
  /** bytes of a piece; 0 sends each blob in one request */
  chunk?: number;
  progress?: ProgressObserver;
  signal?: AbortSignal;
}

/** What of an image is to be sent, children before parents. */
interface Plan {
  target: Descriptor;
  blobs: Descriptor[];
  manifests: Descriptor[];
}

/** Is all of it here? The names of what is not. */
async function missing(content: ContentPort, target: Descriptor): Promise<string[]> {
  if (!(await infoOf(content, target.digest))) return [target.digest];
  const parsed = await readManifest(content, target);
  const children = childrenOf(parsed).filter(({ mediaType }) => !isForeignLayer(mediaType));
  const lists = await Promise.all(
    children.map(async (child) =>
      hasManifests(parsed) ? missing(content, child) : (await infoOf(content, child.digest)) ? [] : [child.digest],
    ),
  );
  return lists.flat();
}

/**
 * The part of an image that is here: of an index whose other platforms were not pulled, that one manifest.
 * @throws not found, when it cannot be told what is meant
 */
export async function choosePresent(content: ContentPort, target: Descriptor, platform?: Platform | 'all'): Promise<Descriptor> {
  const parsed = await readManifest(content, target);
  if (!hasManifests(parsed)) return target;
  if (platform !== undefined && platform !== 'all') {
    const [best] = selectPlatform(parsed.manifests, platform);
    if (best === undefined) throw notFound(`no match for platform ${formatPlatform(platform)} in manifest ${target.digest}`);
    return best;
  }
  const lacking = await missing(content, target);
  if (lacking.length === 0) return target;
  const complete: Descriptor[] = [];
  for (const child of parsed.manifests) if ((await missing(content, child)).length === 0) complete.push(child);
  const [only] = complete;
  if (platform === 'all' || complete.length !== 1 || only === undefined) {
    throw notFound(`content digest ${lacking[0]}: not all platforms of the image are here; pull all of them, or name one platform`);
  }
  return only;
}

async function planOf(content: ContentPort, target: Descriptor): Promise<Plan> {
  const blobs = new Map<string, Descriptor>();
  const manifests = new Map<string, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    const parsed = await readManifest(content, descriptor);
    if (hasManifests(parsed)) for (const child of parsed.manifests) await visit(child);
    else for (const child of childrenOf(parsed as Manifest)) if (!isForeignLayer(child.mediaType)) blobs.set(child.digest, child);
    manifests.set(descriptor.digest, descriptor);
  };
  await visit(target);
  return { target, blobs: [...blobs.values()], manifests: [...manifests.values()] };
}

/** Each try costs a request, and rarely is the second one luckier. */
const MOUNT_TRIES = 2;

/** Repositories of that registry from which the blob came, except the one it goes to. */
async function mountable(content: ContentPort, digest: string, { domain, path }: Reference): Promise<string[]> {
  const value = (await content.info(digest)).labels?.[sourceLabel(domain)] ?? '';
  const others = value.split(',').filter((repository) => repository !== '' && repository !== path);
  return others.slice(0, MOUNT_TRIES);
}

async function pushBlobs(
  registry: Registry,
  reference: Reference,
  { blobs }: Plan,
  content: ContentPort,
  options: PushOptions,
): Promise<void> {
  const { progress, chunk } = options;
  const slot = limitTo(options.parallel ?? 5);
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Every request listens to it.
  setMaxListeners(0, signal);
  let failed: { error: unknown } | undefined;
  const one = async (blob: Descriptor) => {
    if (signal.aborted) return;
    const { digest, size: total } = blob;
    const ref = ingestRef(blob);
    const done = await pushBlob(registry, reference.path, blob, (offset, length) => content.read(digest, offset, length), {
      mountFrom: await mountable(content, digest, reference),
      arrived: (offset) => progress?.({ status: 'uploading', ref, digest, offset, total }),
      signal,
      ...(chunk && { chunk }),
    });
    progress?.({ status: done === 'uploaded' ? 'done' : done, ref, digest, offset: total, total });
  };
  for (const { digest, size: total, ...blob } of blobs)
    progress?.({ status: 'waiting', ref: ingestRef({ ...blob, digest, size: total }), digest, total });
  await Promise.all(
    blobs.map((blob) =>
      slot(() => one(blob)).catch((error) => {
        failed ??= { error };
        stop.abort(error);
      }),
    ),
  );
  if (failed) throw options.signal?.aborted ? options.signal.reason : failed.error;
}

/** Notes that the repository has it now: others of that registry can be given it without an upload. */
async function noteSource(content: ContentPort, { digest }: Descriptor, { domain, path }: Reference): Promise<void> {
  const label = sourceLabel(domain);
  const known = (await infoOf(content, digest))?.labels?.[label];
  const value = withSource(known, path, label);
  if (value !== known) await content.label(digest, { [label]: value });
}

/**
 * Pushes an image under a name.
 * @param name where to, and, if no other is given, which: `localhost:5000/a/b:1.2`
 * @returns what the name points to in the registry now
 */
export async function push(stores: Stores, name: string, options: PushOptions = {}): Promise<Descriptor> {
  const reference = withDefaultTag(parseReference(name));
  const full = formatReference(reference);
  const source = options.image === undefined ? full : formatReference(withDefaultTag(parseReference(options.image)));
  const { content, images } = stores;
  const image = await images.get(source);
  const target = await choosePresent(content, image.target, options.platform);
  const plan = await planOf(content, target);
  const registry = openRegistry(registryHost(reference.domain), options.registry ?? {});
  try {
    await pushBlobs(registry, reference, plan, content, options);
    for (const manifest of plan.manifests) {
      const bytes = await readContent(content, manifest.digest, MAX_MANIFEST);
      const top = manifest.digest === target.digest;
      const object = top ? (reference.tag ?? reference.digest ?? manifest.digest) : manifest.digest;
      await putManifest(registry, reference.path, object, manifest.mediaType, bytes, options.signal);
      options.progress?.({ status: 'done', ref: ingestRef(manifest), digest: manifest.digest, offset: bytes.length, total: bytes.length });
    }
    for (const part of [...plan.blobs, ...plan.manifests]) await noteSource(content, part, reference);
    options.progress?.({ status: 'done', ref: full, digest: target.digest });
    return target;
  } catch (error) {
    throw explainRefusal(error, 'push');
  } finally {
    registry.close();
  }
}
