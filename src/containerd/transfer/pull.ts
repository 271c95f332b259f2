/**
 * Pulling an image: its name becomes a digest, the digest a manifest, the manifest a config and
 * layers, and the layers snapshots. Nothing is believed that its digest does not prove, but the
 * first answer: what the name points to.
 */
import { invalidArgument, notFound } from '../errors.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { childrenOf, hasManifests, type Manifest, parseConfig } from '../registry/manifest.ts';
import { isForeignLayer, isLayer } from '../registry/media-types.ts';
import { defaultPlatform, formatPlatform, type Platform, selectPlatform } from '../registry/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../registry/reference.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import { openSources, resolve } from '../registry/sources.ts';
import { infoOf, readConfigBytes, readManifest, writeContent } from './content.ts';
import { fetchContent } from './fetch.ts';
import { childLabels, sourceLabel, withSource } from './gc-labels.ts';
import { limitTo } from './limit.ts';
import type { Image, Stores } from './ports.ts';
import type { ProgressObserver } from './progress.ts';
import { snapshotLabel, unpackLayers } from './unpack.ts';

/** An index may hold indexes; nobody needs more than two. */
const MAX_DEPTH = 8;

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

/**
 * Pulls an image and gives it its name. Killed at any moment, it leaves what it has for the next
 * pull to go on with, and no image that is not whole.
 * @param name as a person types it: `busybox`, `localhost:5000/a/b:1.2@sha256:…`
 */
export async function pull(stores: Stores, name: string, options: PullOptions = {}): Promise<Pulled> {
  const reference = withDefaultTag(parseReference(name));
  const full = formatReference(reference);
  const { progress } = options;
  const stopped = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopped.signal]) : stopped.signal;
  const sources = openSources(reference, options.registry ?? {});
  progress?.({ status: 'resolving', ref: full });
  try {
    const resolved = await resolve(reference, sources.list, signal);
    progress?.({ status: 'resolved', ref: full, digest: resolved.target.digest });
    return await stores.leased(async (leased) => {
      const { content, images, snapshots, apply } = leased;
      const slot = limitTo(options.parallel ?? 3);
      const fetching = { content, sources: resolved.sources, signal, ...(progress && { progress }) };
      const unpacks =
        (options.unpack ?? true) && snapshots && apply ? { content, snapshots, apply, ...(progress && { progress }) } : undefined;

      /** Notes where it came from: another repository of that registry can be given it without an upload. */
      const fetched = async (descriptor: Descriptor) => {
        await fetchContent(descriptor, fetching);
        const label = sourceLabel(reference.domain);
        const known = (await infoOf(content, descriptor.digest))?.labels?.[label];
        const value = withSource(known, reference.path, label);
        if (value !== known) await content.label(descriptor.digest, { [label]: value });
      };

      const pullManifest = async (manifest: Manifest): Promise<void> => {
        const layers = manifest.layers.filter(({ mediaType }) => !isForeignLayer(mediaType));
        for (const descriptor of layers)
          progress?.({ status: 'waiting', ref: `layer-${descriptor.digest}`, digest: descriptor.digest, total: descriptor.size });
        const config = fetched(manifest.config);
        // A manifest may name one layer twice.
        const downloads = new Map<string, Promise<void>>();
        const download = (descriptor: Descriptor): Promise<void> => {
          const begun =
            downloads.get(descriptor.digest) ?? slot(() => (signal.aborted ? Promise.reject(signal.reason) : fetched(descriptor)));
          downloads.set(descriptor.digest, begun);
          return begun;
        };
        const all = [config, ...layers.map(download)];
        const unpack = async () => {
          // Artifacts (charts, signatures) have the form of images, but layers that are no file trees.
          if (unpacks === undefined || !manifest.layers.every(({ mediaType }) => isLayer(mediaType))) return;
          await config;
          const { rootfs } = parseConfig(
            await readConfigBytes(content, manifest.config),
            `config ${manifest.config.digest}`,
            manifest.layers.length,
          );
          const top = await unpackLayers(manifest.layers, rootfs.diff_ids, unpacks, (i) => download(manifest.layers[i] as Descriptor));
          if (top !== '') await content.label(manifest.config.digest, snapshotLabel(unpacks.snapshots, top));
        };
        await settle([...all, unpack()], stopped);
      };

      /** Fetches it, labels it, and goes on below it. */
      const descend = async (target: Descriptor, depth = 0): Promise<Descriptor[]> => {
        if (depth > MAX_DEPTH) throw invalidArgument(`${full}: indexes in indexes, more than ${MAX_DEPTH} deep`);
        await slot(() => fetched(target));
        const parsed = await readManifest(content, target);
        await content.label(target.digest, childLabels(parsed));
        if (!hasManifests(parsed)) {
          await pullManifest(parsed);
          return [target];
        }
        const chosen = choose(childrenOf(parsed), options.platform, `manifest ${target.digest}`);
        const lists: Descriptor[][] = new Array(chosen.length);
        await settle(
          chosen.map(async (child, i) => {
            lists[i] = await descend(child, depth + 1);
          }),
          stopped,
        );
        return lists.flat();
      };

      if (resolved.bytes) await writeContent(content, resolved.target, resolved.bytes);
      const manifests = await descend(resolved.target);
      const image = await images.put({ name: full, target: resolved.target, ...(options.labels && { labels: options.labels }) });
      progress?.({ status: 'done', ref: full, digest: resolved.target.digest });
      return { image, manifests };
    });
  } catch (error) {
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    stopped.abort();
    sources.close();
  }
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
async function settle(all: readonly Promise<unknown>[], stop: AbortController): Promise<void> {
  let first: { error: unknown } | undefined;
  await Promise.all(
    all.map((one) =>
      one.catch((error) => {
        first ??= { error };
        stop.abort(error);
      }),
    ),
  );
  if (first) throw first.error;
}
