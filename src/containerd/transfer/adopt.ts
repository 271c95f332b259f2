/** Content that is here already becomes an image: checked, labelled for the garbage collector, unpacked. */
import { failedPrecondition, notFound } from '../errors.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { hasManifests, type Manifest, parseConfig } from '../registry/manifest.ts';
import { isForeignLayer, isLayer } from '../registry/media-types.ts';
import { defaultPlatform, type Platform, selectPlatform } from '../registry/platform.ts';
import { infoOf, readConfigBytes, readManifest } from './content.ts';
import { childLabels } from './gc-labels.ts';
import type { Stores } from './ports.ts';
import type { ProgressObserver } from './progress.ts';
import { snapshotLabel, unpackLayers } from './unpack.ts';

export interface AdoptOptions {
  /** whose layers are unpacked: this machine's platform when not given */
  platform?: Platform | 'all';
  /** make snapshots too; true where there is a snapshotter */
  unpack?: boolean;
  progress?: ProgressObserver;
}

type Leased = Omit<Stores, 'leased'>;

/** @throws not found, and failed precondition for another size: two readers must not see two different things */
async function demand({ content }: Leased, { digest, size }: Descriptor): Promise<void> {
  const info = await infoOf(content, digest);
  if (!info) throw notFound(`content digest ${digest}`);
  if (info.size !== size) throw failedPrecondition(`content digest ${digest} has ${info.size} bytes, but ${size} are announced`);
}

async function adoptManifest(
  stores: Leased,
  target: Descriptor,
  manifest: Manifest,
  wanted: boolean,
  options: AdoptOptions,
): Promise<void> {
  const { content, snapshots, apply } = stores;
  await demand(stores, manifest.config);
  for (const layer of manifest.layers) if (!isForeignLayer(layer.mediaType)) await demand(stores, layer);
  await content.label(target.digest, childLabels(manifest));
  if (!wanted || !snapshots || !apply || options.unpack === false) return;
  if (!manifest.layers.every(({ mediaType }) => isLayer(mediaType))) return;
  const { rootfs } = parseConfig(
    await readConfigBytes(content, manifest.config),
    `config ${manifest.config.digest}`,
    manifest.layers.length,
  );
  const { progress } = options;
  const top = await unpackLayers(manifest.layers, rootfs.diff_ids, { content, snapshots, apply, ...(progress && { progress }) });
  if (top !== '') await content.label(manifest.config.digest, snapshotLabel(snapshots, top));
}

/**
 * Makes a tree of content whole: all that a manifest names must be here. Of an index, other
 * platforms may be missing, but not every one.
 * @returns the manifests that are here
 */
export async function adopt(stores: Leased, target: Descriptor, options: AdoptOptions = {}, wanted = true): Promise<Descriptor[]> {
  const { content, progress } = options.progress ? { ...stores, progress: options.progress } : { ...stores, progress: undefined };
  await demand(stores, target);
  const parsed = await readManifest(content, target);
  if (!hasManifests(parsed)) {
    await adoptManifest(stores, target, parsed, wanted, options);
    progress?.({ status: 'done', ref: ingestRef(target), digest: target.digest, offset: target.size, total: target.size });
    return [target];
  }
  const here: Descriptor[] = [];
  for (const child of parsed.manifests) if (await infoOf(content, child.digest)) here.push(child);
  if (here.length === 0 && parsed.manifests.length > 0) throw notFound(`content digest ${parsed.manifests[0]?.digest}`);
  await content.label(target.digest, childLabels(parsed));
  const best = options.platform === 'all' ? here : selectPlatform(here, options.platform ?? defaultPlatform()).slice(0, 1);
  const found: Descriptor[] = [];
  for (const child of here) found.push(...(await adopt(stores, child, options, wanted && best.includes(child))));
  return found;
}
