/** Bringing one thing of an image into the content store, from the first source that gives it. */

import { fetchBlob } from '../registry/blobs.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { getManifest } from '../registry/manifests.ts';
import { isIndex, isManifest } from '../registry/media-types.ts';
import { type Source, tryEach } from '../registry/sources.ts';
import { commitOrDrop, writerFor } from './content.ts';
import type { BlobWriter, ContentPort } from './ports.ts';
import type { ProgressObserver } from './progress.ts';

export interface FetchOptions {
  content: ContentPort;
  sources: readonly Source[];
  progress?: ProgressObserver;
  signal?: AbortSignal;
}

/** Milliseconds between two reports of one download. */
const REPORT_EVERY = 100;

/**
 * Fetches it unless it is there. Who is second with the same wish waits for the first.
 * @throws failed precondition when the bytes are not what their digest says
 */
export async function fetchContent(descriptor: Descriptor, options: FetchOptions): Promise<void> {
  const { content, progress, signal } = options;
  const { digest, size } = descriptor;
  const ref = ingestRef(descriptor);
  const writer = await writerFor(content, descriptor, signal);
  if (writer === undefined) {
    progress?.({ status: 'exists', ref, digest, offset: size, total: size });
    return;
  }
  try {
    const fetch = isManifest(descriptor.mediaType) || isIndex(descriptor.mediaType) ? fetchManifest : fetchLarge;
    // Another namespace may have had it all: then the writer begins at its end.
    if (writer.offset !== size) await fetch(descriptor, writer, options);
    await commitOrDrop(content, writer, descriptor);
  } finally {
    await writer.close();
  }
  progress?.({ status: 'done', ref, digest, offset: size, total: size });
}

async function fetchManifest({ digest }: Descriptor, writer: BlobWriter, { sources, signal }: FetchOptions): Promise<void> {
  const { bytes } = await tryEach(sources, ({ registry, repository }) => getManifest(registry, repository, digest, signal), signal);
  if (writer.offset > 0) await writer.truncate(0);
  await writer.write(bytes);
}

async function fetchLarge(descriptor: Descriptor, writer: BlobWriter, { sources, progress, signal }: FetchOptions): Promise<void> {
  const { digest, size: total } = descriptor;
  const ref = ingestRef(descriptor);
  const report = (offset: number) => progress?.({ status: 'downloading', ref, digest, offset, total });
  let last = Date.now();
  const arrived = (offset: number) => {
    const now = Date.now();
    if (now - last < REPORT_EVERY) return;
    last = now;
    report(offset);
  };
  report(writer.offset);
  await tryEach(sources, ({ registry, repository }) => fetchBlob(registry, repository, descriptor, writer, arrived, signal), signal);
}
