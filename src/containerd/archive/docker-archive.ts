/**
 * What `docker save` writes: manifest.json names a config and layers; before Docker 1.10,
 * `repositories` named the uppermost of a chain of layers, each with a file `json` that names its parent.
 * @see https://github.com/moby/docker-image-spec/blob/main/v1.2.md
 */

import { createHash } from 'node:crypto';
import { digestOf } from '../content/digest.ts';
import { invalidArgument } from '../errors.ts';
import { compressionOf, decompressed } from '../layers/compression.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { MAX_CONFIG, parseConfig } from '../registry/manifest.ts';
import { DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_LAYER_ZSTD, DOCKER_MANIFEST } from '../registry/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../registry/reference.ts';
import { readContent, writeContent } from '../transfer/content.ts';
import type { ContentPort } from '../transfer/ports.ts';
import { type ArchiveContents, blobNamed, jsonOf, type Stored } from './contents.ts';

/** An image of an archive, whose content is in the store, and the names that the archive gives it. */
export interface ArchivedImage {
  target: Descriptor;
  names: string[];
}

const LAYER_TYPES = { plain: DOCKER_LAYER, gzip: DOCKER_LAYER_GZIP, zstd: DOCKER_LAYER_ZSTD };

async function layerOf(content: ContentPort, stored: Stored): Promise<Descriptor> {
  const start: Buffer[] = [];
  for await (const chunk of content.read(stored.digest, 0, 4) as AsyncIterable<Buffer>) start.push(chunk);
  return { mediaType: LAYER_TYPES[compressionOf(Buffer.concat(start))], ...stored };
}

async function store(content: ContentPort, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  await writeContent(content, descriptor, bytes);
  return descriptor;
}

const storeManifest = (content: ContentPort, config: Descriptor, layers: Descriptor[]): Promise<Descriptor> =>
  store(content, DOCKER_MANIFEST, { schemaVersion: 2, mediaType: DOCKER_MANIFEST, config, layers });

const strings = (value: unknown, what: string): string[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string'))
    throw invalidArgument(`archive: ${what} is not a list of names`);
  return value;
};

const fullName = (name: string) => formatReference(withDefaultTag(parseReference(name)));

/** Images of manifest.json. @throws invalid argument */
export async function dockerImages(content: ContentPort, found: ArchiveContents): Promise<ArchivedImage[]> {
  const list = jsonOf(found, 'manifest.json');
  if (!Array.isArray(list)) throw invalidArgument('archive: manifest.json is not a list');
  const images: ArchivedImage[] = [];
  for (const entry of list as { Config?: unknown; RepoTags?: unknown; Layers?: unknown }[]) {
    const stored = blobNamed(found, String(entry?.Config), 'image config');
    const layers: Descriptor[] = [];
    for (const name of strings(entry.Layers, 'Layers')) layers.push(await layerOf(content, blobNamed(found, name, 'layer')));
    parseConfig(await readContent(content, stored.digest, MAX_CONFIG), `archive: image config ${stored.digest}`, layers.length);
    const target = await storeManifest(content, { mediaType: DOCKER_CONFIG, ...stored }, layers);
    images.push({ target, names: strings(entry.RepoTags, 'RepoTags').map(fullName) });
  }
  return images;
}

interface OldLayer {
  parent?: string;
  created?: string;
  author?: string;
  comment?: string;
  architecture?: string;
  os?: string;
  config?: Record<string, unknown>;
  container_config?: { Cmd?: string[] };
}

/** The digest of a layer's uncompressed bytes: old archives do not say it. */
async function diffIdOf(content: ContentPort, digest: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of decompressed(content.read(digest))) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** One image of the old form: its chain of layers becomes a config. */
async function oldImage(content: ContentPort, found: ArchiveContents, id: string): Promise<Descriptor> {
  const chain: { id: string; json: OldLayer }[] = [];
  for (let at: string | undefined = id; at !== undefined; at = chain.at(-1)?.json.parent || undefined) {
    if (!/^[0-9a-f]{64}$/.test(at) || chain.length > 127)
      throw invalidArgument(`archive: repositories lead to ${JSON.stringify(at)}, which is no layer`);
    chain.push({ id: at, json: jsonOf(found, `${at}/json`) as OldLayer });
  }
  const top = chain[0]?.json as OldLayer;
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  const history: Record<string, unknown>[] = [];
  for (const { id: layerId, json } of chain.reverse()) {
    const layer = await layerOf(content, blobNamed(found, `${layerId}/layer.tar`, 'layer'));
    layers.push(layer);
    diffIds.push(await diffIdOf(content, layer.digest));
    history.push({ created: json.created, created_by: json.container_config?.Cmd?.join(' '), author: json.author, comment: json.comment });
  }
  const { architecture = 'amd64', os = 'linux', created, author, config } = top;
  const stored = await store(content, DOCKER_CONFIG, {
    architecture,
    os,
    created,
    author,
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history,
  });
  return storeManifest(content, stored, layers);
}

/** Images of `repositories`. @throws invalid argument */
export async function oldDockerImages(content: ContentPort, found: ArchiveContents): Promise<ArchivedImage[]> {
  const repositories = jsonOf(found, 'repositories') as Record<string, Record<string, unknown>> | null;
  const names = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(repositories ?? {})) {
    for (const [tag, id] of Object.entries(tags ?? {}))
      names.set(String(id), [...(names.get(String(id)) ?? []), fullName(`${repository}:${tag}`)]);
  }
  const images: ArchivedImage[] = [];
  for (const [id, own] of names) images.push({ target: await oldImage(content, found, id), names: own });
  return images;
}
