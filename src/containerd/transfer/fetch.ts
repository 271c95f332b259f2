/** Bringing one thing of an image into the content store, from the first source that gives it. */

import { Code } from '@connectrpc/connect';
import { isCode } from '../errors.ts';
import { fetchBlob } from '../registry/blobs.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { getManifest } from '../registry/manifests.ts';
import { isIndex, isManifest } from '../registry/media-types.ts';
import { type Source, tryEach } from '../registry/sources.ts';
import { commitOrDrop, infoOf, writeContent, writerFor } from './content.ts';
import { once } from './once.ts';
import type { ContentPort } from './ports.ts';
import type { ProgressObserver } from './progress.ts';

export interface FetchOptions {
  content: ContentPort;
  sources: readonly Source[];
  progress?: ProgressObserver;
  signal?: AbortSignal;
}

/** Milliseconds between two reports of one download. */
const REPORT_EVERY = 100;

/** Fetches it unless it is there; two pulls that want the same thing fetch it once. */
export async function fetchContent(descriptor: Descriptor, options: FetchOptions): Promise<void> {
  const { content, progress } = options;
  const { digest, size } = descriptor;
  const ref = ingestRef(descriptor);
  if (await infoOf(content, digest)) {
    progress?.({ status: 'exists', ref, digest, offset: size, total: size });
    return;
  }
  const fetch = isManifest(descriptor.mediaType) || isIndex(descriptor.mediaType) ? fetchManifest : fetchLarge;
  await once(content, digest, () => fetch(descriptor, options));
  progress?.({ status: 'done', ref, digest, offset: size, total: size });
}

async function fetchManifest({ digest }: Descriptor, { content, sources, signal }: FetchOptions): Promise<void> {
  const { descriptor, bytes } = await tryEach(
    sources,
    ({ registry, repository }) => getManifest(registry, repository, digest, signal),
    signal,
  );
  await writeContent(content, descriptor, bytes);
}

async function fetchLarge(descriptor: Descriptor, { content, sources, progress, signal }: FetchOptions): Promise<void> {
  const { digest, size: total } = descriptor;
  const ref = ingestRef(descriptor);
  const report = (offset: number) => progress?.({ status: 'downloading', ref, digest, offset, total });
  await tryEach(
    sources,
    async ({ registry, repository }) => {
      const writer = await writerFor(content, descriptor, signal);
      if (writer === undefined) return;
      try {
        report(writer.offset);
        let last = Date.now();
        const arrived = (offset: number) => {
          const now = Date.now();
          if (now - last < REPORT_EVERY) return;
          last = now;
          report(offset);
        };
        await fetchBlob(registry, repository, descriptor, writer, arrived, signal);
        await commitOrDrop(content, writer, descriptor).catch((error) => {
          throw isCode(error, Code.FailedPrecondition)
            ? Object.assign(error, { message: `failed commit on ref ${JSON.stringify(ref)}: ${error.message}` })
            : error;
        });
      } finally {
        await writer.close();
      }
    },
    signal,
  );
}
