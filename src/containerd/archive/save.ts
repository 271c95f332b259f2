/**
 * Images into one tar that both worlds read: it is an OCI layout, and a manifest.json for Docker
 * names the same blobs. The same images give the same bytes.
 */
import { Readable } from 'node:stream';
import { notFound } from '../errors.ts';
import { byteString } from '../layers/tar-header.ts';
import { END_OF_ARCHIVE, encodeHeader, paddingOf } from '../layers/tar-writer.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { hasManifests, type Manifest } from '../registry/manifest.ts';
import { isForeignLayer, OCI_INDEX } from '../registry/media-types.ts';
import { defaultPlatform, type Platform, selectPlatform } from '../registry/platform.ts';
import { familiarReference, formatReference, parseReference, withDefaultTag } from '../registry/reference.ts';
import { infoOf, readManifest } from '../transfer/content.ts';
import type { ContentPort, Stores } from '../transfer/ports.ts';
import { choosePresent } from '../transfer/push.ts';
import { IMAGE_NAME, REF_NAME } from './oci-layout.ts';

export interface SaveOptions {
  /** one platform of an index; all that are here when not given */
  platform?: Platform | 'all';
  /** leave manifest.json out */
  ociOnly?: boolean;
}

/** An image that is to be saved, under a name, or as itself. */
export interface Saved {
  target: Descriptor;
  name?: string;
}

interface DockerEntry {
  Config: string;
  RepoTags: string[];
  Layers: string[];
}

const blobName = (digest: string) => `blobs/${digest.replace(':', '/')}`;

/** What an image consists of, by digest, and the one manifest that Docker is told of. */
async function partsOf(
  content: ContentPort,
  target: Descriptor,
): Promise<{ parts: Descriptor[]; manifests: { at: Descriptor; manifest: Manifest }[] }> {
  const parts = [target];
  const manifests: { at: Descriptor; manifest: Manifest }[] = [];
  const parsed = await readManifest(content, target);
  if (hasManifests(parsed)) {
    for (const child of parsed.manifests) {
      if (!(await infoOf(content, child.digest))) continue;
      const below = await partsOf(content, child);
      parts.push(...below.parts);
      manifests.push(...below.manifests);
    }
    if (manifests.length === 0) throw notFound(`content digest ${parsed.manifests[0]?.digest ?? target.digest}`);
  } else {
    manifests.push({ at: target, manifest: parsed });
    parts.push(parsed.config, ...parsed.layers.filter(({ mediaType }) => !isForeignLayer(mediaType)));
  }
  return { parts, manifests };
}

/** The tag alone: OCI's annotation is for that. */
function annotated(target: Descriptor, name: string | undefined): Descriptor {
  const { mediaType, digest, size } = target;
  if (name === undefined) return { mediaType, digest, size };
  return { mediaType, digest, size, annotations: { [IMAGE_NAME]: name, [REF_NAME]: tagOf(name) } };
}

function tagOf(name: string): string {
  try {
    return parseReference(name).tag ?? name;
  } catch {
    return name;
  }
}

function familiar(name: string): string | undefined {
  try {
    const reference = parseReference(name);
    return reference.tag === undefined ? undefined : familiarReference({ ...reference, digest: undefined });
  } catch {
    return undefined;
  }
}

/** Always the same owner and time: nothing of this machine belongs into it. */
const header = (path: string, size: number, folder = false): Buffer =>
  encodeHeader({ name: byteString(path), type: folder ? 'folder' : 'file', mode: folder ? 0o755 : 0o444, size });

async function* file(path: string, bytes: Buffer): AsyncGenerator<Buffer> {
  yield header(path, bytes.length);
  yield bytes;
  yield paddingOf(bytes.length);
}

/** @throws not found when a blob goes missing on the way */
async function* write(
  content: ContentPort,
  parts: Map<string, Descriptor>,
  texts: [name: string, value: unknown][],
): AsyncGenerator<Buffer> {
  yield header('blobs/', 0, true);
  for (const algorithm of new Set([...parts.keys()].map((digest) => digest.slice(0, digest.indexOf(':')))))
    yield header(`blobs/${algorithm}/`, 0, true);
  for (const digest of [...parts.keys()].sort()) {
    const { size } = await content.info(digest);
    yield header(blobName(digest), size);
    let sent = 0;
    for await (const chunk of content.read(digest) as AsyncIterable<Buffer>) {
      sent += chunk.length;
      yield chunk;
    }
    if (sent !== size) throw notFound(`content digest ${digest}: ${sent} of ${size} bytes`);
    yield paddingOf(size);
  }
  for (const [name, value] of texts) yield* file(name, Buffer.from(JSON.stringify(value)));
  yield END_OF_ARCHIVE;
}

/**
 * The images as a tar. Everything is looked at before the first byte comes.
 * @param images by name as a person types it, or with what they point to
 * @throws not found
 */
export async function save(stores: Stores, images: readonly (string | Saved)[], options: SaveOptions = {}): Promise<Readable> {
  const { content } = stores;
  const parts = new Map<string, Descriptor>();
  const index: Descriptor[] = [];
  const docker = new Map<string, DockerEntry>();
  for (const wanted of images) {
    const full = typeof wanted === 'string' ? formatReference(withDefaultTag(parseReference(wanted))) : wanted.name;
    const whole = typeof wanted === 'string' ? (await stores.images.get(full as string)).target : wanted.target;
    const target =
      options.platform === undefined || options.platform === 'all' ? whole : await choosePresent(content, whole, options.platform);
    const found = await partsOf(content, target);
    for (const part of found.parts) {
      await content.info(part.digest);
      parts.set(part.digest, part);
    }
    index.push(annotated(target, full));
    const entries = found.manifests.map(({ at, manifest }) => ({ ...at, manifest }));
    const [best = entries[0]] = selectPlatform(entries, defaultPlatform());
    if (best === undefined) continue;
    const entry = docker.get(best.digest) ?? {
      Config: blobName(best.manifest.config.digest),
      RepoTags: [],
      Layers: best.manifest.layers.map(({ digest }) => blobName(digest)),
    };
    const tag = full === undefined ? undefined : familiar(full);
    if (tag !== undefined && !entry.RepoTags.includes(tag)) entry.RepoTags.push(tag);
    docker.set(best.digest, entry);
  }
  const texts: [string, unknown][] = [
    ['index.json', { schemaVersion: 2, mediaType: OCI_INDEX, manifests: index }],
    ...(options.ociOnly ? [] : ([['manifest.json', [...docker.values()]]] as [string, unknown][])),
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
  ];
  return Readable.from(write(content, parts, texts), { objectMode: false, highWaterMark: 1 << 20 });
}
