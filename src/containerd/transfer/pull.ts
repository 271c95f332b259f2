/**
 * Pulling an image: its name becomes a digest, the digest a manifest, the manifest a config and
 * layers, and the layers snapshots. Nothing is believed that its digest does not prove, but the
 * first answer: what the name points to.
 */
import { setMaxListeners } from 'node:events';
import { invalidArgument, notFound } from '../errors.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { childrenOf, hasManifests, type Manifest, parseConfig } from '../registry/manifest.ts';
import { isForeignLayer, isLayer } from '../registry/media-types.ts';
import { defaultPlatform, formatPlatform, type Platform, selectPlatform } from '../registry/platform.ts';
import { formatReference, parseReference, type Reference, withDefaultTag } from '../registry/reference.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import { openSources, resolve } from '../registry/sources.ts';
import { infoOf, readConfigBytes, readManifest, writeContent } from './content.ts';
import { type FetchOptions, fetchContent } from './fetch.ts';
import { childLabels, sourceLabel, withSource } from './gc-labels.ts';
import { limitTo } from './limit.ts';
import type { ContentPort, Image, Stores } from './ports.ts';
import type { ProgressObserver } from './progress.ts';
import { snapshotLabel, type UnpackOptions, unpackLayers } from './unpack.ts';

export interface PullOptions {
  /** one platform, this machine's when not given; or all that the index has */
  platform?: Platform | 'all';
  registry?: RegistrySettings;
  /** make snapshots too; true where there is a snapshotter */
  unpack?: boolean;
  /** downloads at a time; 3 as in Docker and containerd */
  parallel?: number;
  labels?: Record<string, string>;
  progress?: ProgressObserver;
  signal?: AbortSignal;
}

export interface Pulled {
  image: Image;
  /** the manifests that were pulled: one, or one a platform */
  manifests: Descriptor[];
}

/** An index may hold indexes; nobody needs more than two. */
const MAX_DEPTH = 8;

/** One pull that is under way. */
interface Pulling {
  reference: Reference;
  content: ContentPort;
  fetching: FetchOptions;
  /** missing when nothing is to be unpacked */
  unpacking: UnpackOptions | undefined;
  /** runs it when one of the downloads has ended */
  slot: <T>(act: () => Promise<T>) => Promise<T>;
  platform: Platform | 'all' | undefined;
  /** ends everything when one thing has failed */
  stop: AbortController;
}

/**
 * Pulls an image and gives it its name. Killed at any moment, it leaves what it has for the next
 * pull to go on with, and no image that is not whole.
 * @param name as a person types it: `busybox`, `localhost:5000/a/b:1.2@sha256:…`
 */
export async function pull(stores: Stores, name: string, options: PullOptions = {}): Promise<Pulled> {
  const reference = withDefaultTag(parseReference(name));
  const full = formatReference(reference);
  const { platform, labels, progress } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  // Every request listens to it.
  setMaxListeners(0, signal);
  const told = progress ? { progress } : {};
  const sources = openSources(reference, options.registry ?? {});
  progress?.({ status: 'resolving', ref: full });
  try {
    const { target, bytes, sources: able } = await resolve(reference, sources.list, signal);
    progress?.({ status: 'resolved', ref: full, digest: target.digest });
    return await stores.leased(async ({ content, images, snapshots, apply }) => {
      const unpack = (options.unpack ?? true) && snapshots && apply;
      const pulling: Pulling = {
        reference,
        content,
        fetching: { content, sources: able, signal, ...told },
        unpacking: unpack ? { content, snapshots, apply, ...told } : undefined,
        slot: limitTo(options.parallel ?? 3),
        platform,
        stop,
      };
      if (bytes) await writeContent(content, target, bytes);
      const manifests = await descend(pulling, target);
      const image = await images.put({ name: full, target, ...(labels && { labels }) });
      progress?.({ status: 'done', ref: full, digest: target.digest });
      return { image, manifests };
    });
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    stop.abort();
    sources.close();
  }
}

/** Fetches one thing, and notes where it came from: another repository of that registry can be given it without an upload. */
async function fetched({ reference, content, fetching }: Pulling, descriptor: Descriptor): Promise<void> {
  await fetchContent(descriptor, fetching);
  const label = sourceLabel(reference.domain);
  const known = (await infoOf(content, descriptor.digest))?.labels?.[label];
  const value = withSource(known, reference.path, label);
  if (value !== known) await content.label(descriptor.digest, { [label]: value });
}

/** A manifest or an index and all that is wanted below it. @returns the manifests among them */
async function descend(pulling: Pulling, target: Descriptor, depth = 0): Promise<Descriptor[]> {
  const { content, slot, stop } = pulling;
  if (depth > MAX_DEPTH) throw invalidArgument(`${formatReference(pulling.reference)}: indexes in indexes, more than ${MAX_DEPTH} deep`);
  await slot(() => fetched(pulling, target));
  const parsed = await readManifest(content, target);
  await content.label(target.digest, childLabels(parsed));
  if (!hasManifests(parsed)) {
    await pullManifest(pulling, parsed);
    return [target];
  }
  const chosen = choose(childrenOf(parsed), pulling.platform, `manifest ${target.digest}`);
  const lists = await settle(
    chosen.map((child) => descend(pulling, child, depth + 1)),
    stop,
  );
  return lists.flat();
}

/** Config and layers, and the snapshots of the layers. */
async function pullManifest(pulling: Pulling, manifest: Manifest): Promise<void> {
  const { fetching, slot, stop } = pulling;
  const { signal, progress } = fetching;
  // A manifest may name one layer twice.
  const downloads = new Map<string, Promise<void>>();
  const download = (layer: Descriptor): Promise<void> => {
    const begun = downloads.get(layer.digest) ?? slot(() => (signal?.aborted ? Promise.reject(signal.reason) : fetched(pulling, layer)));
    downloads.set(layer.digest, begun);
    return begun;
  };
  const layers = manifest.layers.filter(({ mediaType }) => !isForeignLayer(mediaType));
  for (const layer of layers) progress?.({ status: 'waiting', ref: ingestRef(layer), digest: layer.digest, total: layer.size });
  const config = slot(() => fetched(pulling, manifest.config));
  await settle([config, ...layers.map(download), unpack(pulling, manifest, config, download)], stop);
}

/** @param download resolves when that layer is in the content store */
async function unpack(
  { content, unpacking }: Pulling,
  { config, layers }: Manifest,
  arrived: Promise<void>,
  download: (layer: Descriptor) => Promise<void>,
): Promise<void> {
  // Artifacts (charts, signatures) have the form of images, but layers that are no file trees.
  if (unpacking === undefined || !layers.every(({ mediaType }) => isLayer(mediaType))) return;
  await arrived;
  const { rootfs } = parseConfig(await readConfigBytes(content, config), `config ${config.digest}`, layers.length);
  const top = await unpackLayers(layers, rootfs.diff_ids, unpacking, (i) => download(layers[i] as Descriptor));
  if (top !== '') await content.label(config.digest, snapshotLabel(unpacking.snapshots, top));
}

/** The manifests of an index that are wanted. @throws not found */
function choose(children: readonly Descriptor[], platform: Platform | 'all' | undefined, what: string): Descriptor[] {
  if (platform === 'all') return [...children];
  const wanted = platform ?? defaultPlatform();
  const [best] = selectPlatform(children, wanted);
  if (best === undefined) {
    const offered = children.flatMap((child) => (child.platform ? [formatPlatform(child.platform)] : []));
    throw notFound(`no match for platform ${formatPlatform(wanted)} in ${what} (it has ${offered.join(', ') || 'none'})`);
  }
  return [best];
}

/** Waits for all, also after one has failed: nothing may go on behind the back of the caller. The others are stopped then. */
async function settle<T>(all: readonly Promise<T>[], stop: AbortController): Promise<T[]> {
  let first: { error: unknown } | undefined;
  const failed = (error: unknown): undefined => {
    first ??= { error };
    stop.abort(error);
  };
  const ended = await Promise.all(all.map((one) => one.catch(failed)));
  if (first) throw first.error;
  return ended as T[];
}
