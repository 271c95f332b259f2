/** Manifests, indexes and image configs: JSON from strangers, checked before it is followed. */

import { parseDigest } from '../content/digest.ts';
import { invalidArgument } from '../errors.ts';
import { checkDescriptor, type Descriptor } from './descriptor.ts';
import { isIndex, isManifest, isSchema1, OCI_MANIFEST } from './media-types.ts';
import type { Platform } from './platform.ts';

/** Bytes of a manifest or index: what registries accept at most. Beyond it somebody wants our memory. */
export const MAX_MANIFEST = 4 << 20;
/** Bytes of an image's config. Histories of generated images are long; 8 MiB is what containerd reads at most. */
export const MAX_CONFIG = 8 << 20;

export interface Manifest {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export interface Index {
  schemaVersion: 2;
  mediaType?: string;
  artifactType?: string;
  manifests: Descriptor[];
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

/** What of an image's config this layer reads. @see https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig extends Platform {
  created?: string;
  author?: string;
  config?: Record<string, unknown>;
  rootfs: { type: 'layers'; diff_ids: string[] };
  history?: { created?: string; created_by?: string; comment?: string; author?: string; empty_layer?: boolean }[];
}

function parseObject(bytes: Uint8Array, limit: number, what: string): Record<string, unknown> {
  if (bytes.length > limit) throw invalidArgument(`${what}: ${bytes.length} bytes, more than ${limit}`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidArgument(`${what}: not JSON (${(error as Error).message})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidArgument(`${what}: not a JSON object`);
  return value as Record<string, unknown>;
}

/**
 * The bytes as a manifest or as an index, as their media type says.
 * @throws invalid argument, for anything that two readers could understand differently
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, what: string): Manifest | Index {
  if (isSchema1(mediaType)) {
    throw invalidArgument(
      `${what}: media type ${JSON.stringify(mediaType)} is no longer supported, please rebuild the image as ${JSON.stringify(OCI_MANIFEST)}`,
    );
  }
  if (!isManifest(mediaType) && !isIndex(mediaType)) throw invalidArgument(`${what}: media type ${JSON.stringify(mediaType)} is no image`);
  const value = parseObject(bytes, MAX_MANIFEST, what);
  if (value.schemaVersion !== 2) throw invalidArgument(`${what}: schemaVersion ${value.schemaVersion} is not 2`);
  if (value.mediaType !== undefined && value.mediaType !== mediaType) {
    throw invalidArgument(`${what}: says that it is ${JSON.stringify(value.mediaType)}, but was sent as ${JSON.stringify(mediaType)}`);
  }
  // CVE-2021-41190: the same bytes, and so the same digest and signature, must not be an image to one reader and an index to another.
  const own = isIndex(mediaType) ? ['manifests'] : ['config', 'layers'];
  const other = isIndex(mediaType) ? ['config', 'layers', 'fsLayers'] : ['manifests', 'fsLayers'];
  for (const key of other) if (value[key] !== undefined) throw invalidArgument(`${what}: ${mediaType} with ${key}: it is ambiguous`);
  for (const key of own) if (value[key] === undefined) throw invalidArgument(`${what}: ${key} is missing`);
  if (value.config !== undefined) checkDescriptor(value.config, `${what}: config`);
  const list = (isIndex(mediaType) ? value.manifests : value.layers) as unknown;
  if (!Array.isArray(list)) throw invalidArgument(`${what}: ${own.at(-1)} is not a list`);
  list.forEach((entry, i) => void checkDescriptor(entry, `${what}: ${own.at(-1)}[${i}]`));
  return value as unknown as Manifest | Index;
}

/** Is it an index, with manifests in place of layers? */
export const hasManifests = (value: Manifest | Index): value is Index => 'manifests' in value;

/** What a manifest or an index points to, in containerd's order: the config before the layers. */
export const childrenOf = (value: Manifest | Index): Descriptor[] =>
  hasManifests(value) ? value.manifests : [value.config, ...value.layers];

/** @throws invalid argument, also when the layers that it names are not as many as the manifest's */
export function parseConfig(bytes: Uint8Array, what: string, layers?: number): ImageConfig {
  const value = parseObject(bytes, MAX_CONFIG, what) as Partial<ImageConfig>;
  const diffIds = value.rootfs?.diff_ids;
  if (!Array.isArray(diffIds)) throw invalidArgument(`${what}: rootfs.diff_ids is not a list`);
  for (const diffId of diffIds) parseDigest(String(diffId));
  if (layers !== undefined && layers !== diffIds.length) {
    throw invalidArgument(`${what}: mismatched image rootfs and manifest layers: ${diffIds.length} diff ids, ${layers} layers`);
  }
  return { ...value, os: value.os || 'linux', architecture: value.architecture ?? '' } as ImageConfig;
}
