/**
 * An OCI layout: `index.json` names images, `blobs/` holds everything by its digest.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { isDigest } from '../content/digest.ts';
import { invalidArgument, isAlreadyExists } from '../errors.ts';
import { checkDescriptor, type Descriptor } from '../registry/descriptor.ts';
import { isIndex, isManifest } from '../registry/media-types.ts';
import { formatReference, parseReference, withDefaultTag } from '../registry/reference.ts';
import { dropIngest } from '../transfer/content.ts';
import type { ContentPort } from '../transfer/ports.ts';
import { type ArchiveContents, jsonOf } from './contents.ts';
import type { ArchivedImage } from './docker-archive.ts';

export const IMAGE_NAME = 'io.containerd.image.name';
export const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * The name that an entry of index.json gives: containerd's annotation has it in full; OCI's has a
 * tag, which needs the name of a repository, or a full name as some programs write.
 * @param base repository that tags alone belong to
 */
export function nameOf({ annotations = {} }: Descriptor, base?: string): string | undefined {
  const full = annotations[IMAGE_NAME];
  if (full !== undefined) return full;
  const ref = annotations[REF_NAME];
  if (ref === undefined) return undefined;
  if (/[/:@]/.test(ref)) return formatReference(withDefaultTag(parseReference(ref)));
  return base === undefined ? undefined : formatReference(parseReference(`${base}:${ref}`));
}

/** Images of index.json; one entry a name, so two names of one image come together here. @throws invalid argument */
export function layoutImages(found: ArchiveContents, base?: string): ArchivedImage[] {
  const { imageLayoutVersion } = jsonOf(found, 'oci-layout') as { imageLayoutVersion?: unknown };
  if (imageLayoutVersion !== '1.0.0') throw invalidArgument(`archive: unsupported OCI version ${imageLayoutVersion}`);
  const { manifests } = jsonOf(found, 'index.json') as { manifests?: unknown };
  if (!Array.isArray(manifests)) throw invalidArgument('archive: index.json: manifests is not a list');
  const images = new Map<string, ArchivedImage>();
  for (const [i, entry] of manifests.entries()) {
    const { mediaType, digest, size, ...rest } = checkDescriptor(entry, `archive: index.json: manifests[${i}]`);
    // Signatures and the like stand beside the images; they have no names to be kept under.
    if (!isManifest(mediaType) && !isIndex(mediaType)) continue;
    const image = images.get(digest) ?? { target: { mediaType, digest, size }, names: [] };
    images.set(digest, image);
    const name = nameOf({ mediaType, digest, size, ...rest }, base);
    if (name !== undefined && !image.names.includes(name)) image.names.push(name);
  }
  return [...images.values()];
}

/** A plain file; a link could lead anywhere. */
const openFile = (path: string): Promise<FileHandle> => open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

const MAX_TEXT = 8 << 20;

async function readText(folder: string, name: string): Promise<Buffer> {
  const file = await openFile(join(folder, name));
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > MAX_TEXT) throw invalidArgument(`${join(folder, name)}: not a file of at most ${MAX_TEXT} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

async function keepBlob(content: ContentPort, path: string, digest: string): Promise<void> {
  const file = await openFile(path);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalidArgument(`${path}: not a file`);
    const writer = await content.ingest(`import-${digest}`, { expected: digest, total: stat.size });
    try {
      if (writer.offset > 0) await writer.truncate(0);
      const bytes: Readable = createReadStream('', { fd: file.fd, autoClose: false, highWaterMark: 1 << 20 });
      for await (const chunk of bytes as AsyncIterable<Buffer>) await writer.write(chunk);
      await writer.commit({ size: stat.size, digest }).catch(async (error) => {
        if (isAlreadyExists(error)) return;
        await dropIngest(content, `import-${digest}`);
        throw error;
      });
    } finally {
      await writer.close();
    }
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  } finally {
    await file.close();
  }
}

/** Takes the content of a layout that is a folder. Every blob must be what its name says. */
export async function collectFolder(content: ContentPort, folder: string): Promise<ArchiveContents> {
  const texts = new Map<string, Buffer>();
  for (const name of ['oci-layout', 'index.json']) texts.set(name, await readText(folder, name));
  for (const algorithm of await readdir(join(folder, 'blobs'))) {
    for (const hex of await readdir(join(folder, 'blobs', algorithm))) {
      const digest = `${algorithm}:${hex}`;
      if (!isDigest(digest)) throw invalidArgument(`${join(folder, 'blobs', algorithm, hex)}: no digest`);
      await keepBlob(content, join(folder, 'blobs', algorithm, hex), digest);
    }
  }
  return { texts, blobs: new Map(), links: new Map() };
}
