/** A tar of a root file system becomes an image of one layer: `docker import`. */
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { digestOf } from '../content/digest.ts';
import { isAlreadyExists } from '../errors.ts';
import { type Compression, decompressed } from '../layers/compression.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD, OCI_MANIFEST } from '../registry/media-types.ts';
import { defaultPlatform, type Platform } from '../registry/platform.ts';
import { formatReference, parseReference, withDefaultTag } from '../registry/reference.ts';
import { adopt } from '../transfer/adopt.ts';
import { dropIngest, writeContent } from '../transfer/content.ts';
import type { ContentPort, Image, Stores } from '../transfer/ports.ts';
import { changeConfig } from './config-changes.ts';

export interface ImportOptions {
  /** what the image is called; without it, and without the next, the caller must name the target soon */
  name?: string;
  /** the name of an image that gets none */
  nameless?: (target: Descriptor) => string;
  /** lines of a Dockerfile */
  changes?: readonly string[];
  /** for the history: where it comes from */
  message?: string;
  platform?: Platform;
  unpack?: boolean;
}

const LAYERS: Record<Compression, string> = { plain: OCI_LAYER, gzip: OCI_LAYER_GZIP, zstd: OCI_LAYER_ZSTD };

/** Until it takes more, or never will. */
const drained = (stream: PassThrough): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      stream.off('drain', go).off('close', go);
      resolve();
    };
    stream.on('drain', go).on('close', go);
  });

/** The layer as it comes, compressed or not, into the store; and the digest of its plain bytes. */
async function keepLayer(content: ContentPort, tar: Readable): Promise<{ layer: Descriptor; diffId: string }> {
  const ref = `import-rootfs-${randomBytes(6).toString('hex')}`;
  const writer = await content.ingest(ref);
  const copy = new PassThrough();
  const hash = createHash('sha256');
  const own = createHash('sha256');
  const hashing = (async () => {
    const plain = decompressed(copy);
    for (;;) {
      const { value, done } = await plain.next();
      if (done) return value;
      hash.update(value);
    }
  })();
  // Seen below, after the reading; until then nobody waits for it.
  hashing.catch(() => {});
  try {
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      own.update(chunk);
      const more = copy.destroyed || copy.write(chunk) ? undefined : drained(copy);
      await writer.write(chunk);
      await more;
    }
    copy.end();
    const compression = await hashing;
    const size = writer.offset;
    const digest = `sha256:${own.digest('hex')}`;
    await writer.commit({ size, digest }).catch((error) => {
      if (!isAlreadyExists(error)) throw error;
    });
    return { layer: { mediaType: LAYERS[compression], digest, size }, diffId: `sha256:${hash.digest('hex')}` };
  } finally {
    copy.destroy();
    await writer.close();
    await dropIngest(content, ref);
  }
}

async function store(content: ContentPort, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  await writeContent(content, descriptor, bytes);
  return descriptor;
}

/**
 * Makes an image of a root file system.
 * @param tar plain, gzip or zstd
 * @throws invalid argument for changes that are none; what is wrong with the tar shows when it is unpacked
 */
export async function importRootfs(
  stores: Stores,
  tar: Readable,
  options: ImportOptions = {},
): Promise<{ target: Descriptor; config: Descriptor; image?: Image }> {
  // Refused before anything is read.
  const config = changeConfig({}, options.changes ?? []);
  const name = options.name === undefined ? undefined : formatReference(withDefaultTag(parseReference(options.name)));
  return stores.leased(async (leased) => {
    const { content, images } = leased;
    const { layer, diffId } = await keepLayer(content, tar);
    const created = new Date().toISOString();
    const comment = options.message ?? 'Imported from -';
    const platform = options.platform ?? defaultPlatform();
    const stored = await store(content, OCI_CONFIG, {
      created,
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created, comment }],
    });
    const target = await store(content, OCI_MANIFEST, { schemaVersion: 2, mediaType: OCI_MANIFEST, config: stored, layers: [layer] });
    await adopt(leased, target, { platform, ...(options.unpack !== undefined && { unpack: options.unpack }) });
    const given = name ?? options.nameless?.(target);
    return { target, config: stored, ...(given !== undefined && { image: await images.put({ name: given, target }) }) };
  });
}
