/** Reading and writing whole small things, manifests and configs, in the content store. */

import { setTimeout as pause } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { isAlreadyExists, isCode, isNotFound } from '../errors.ts';
import { type Descriptor, ingestRef } from '../registry/descriptor.ts';
import { type Index, MAX_CONFIG, MAX_MANIFEST, type Manifest, parseManifest } from '../registry/manifest.ts';
import type { BlobInfo, BlobWriter, ContentPort } from './ports.ts';

/** What is known of content, or undefined. */
export async function infoOf(content: ContentPort, digest: string): Promise<BlobInfo | undefined> {
  try {
    return await content.info(digest);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** @throws not found; an error when it is larger than the limit */
export async function readContent(content: ContentPort, digest: string, limit: number): Promise<Buffer> {
  const { size } = await content.info(digest);
  if (size > limit) throw new Error(`content ${digest}: ${size} bytes, more than ${limit}`);
  const chunks: Buffer[] = [];
  for await (const chunk of content.read(digest) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const readManifest = async (content: ContentPort, { digest, mediaType }: Descriptor): Promise<Manifest | Index> =>
  parseManifest(await readContent(content, digest, MAX_MANIFEST), mediaType, `manifest ${digest}`);

export const readConfigBytes = (content: ContentPort, { digest }: Descriptor): Promise<Buffer> => readContent(content, digest, MAX_CONFIG);

/** Milliseconds between two looks at a ref that somebody else is writing: the first pause, and the longest. */
const POLL = { first: 10, longest: 400 };

/**
 * A writer for what is to have this digest; waits while somebody else writes it, here or in another process.
 * Asking for it also puts what is there already under the caller's lease.
 * @returns undefined when it is there
 */
export async function writerFor(content: ContentPort, descriptor: Descriptor, signal?: AbortSignal): Promise<BlobWriter | undefined> {
  for (let wait = POLL.first; ; wait = Math.min(wait * 2, POLL.longest)) {
    try {
      return await content.ingest(ingestRef(descriptor), { expected: descriptor.digest, total: descriptor.size });
    } catch (error) {
      if (isAlreadyExists(error)) return undefined;
      if (!isCode(error, Code.Unavailable)) throw error;
      await pause(wait, undefined, signal && { signal });
    }
  }
}

const failedCommit = (text: string) => new ConnectError(text, Code.FailedPrecondition);

/**
 * Ends a writer: what it wrote gets its name, if it is what it should be.
 * Wrong bytes are thrown away: going on from them could never end well.
 */
export async function commitOrDrop(content: ContentPort, writer: BlobWriter, descriptor: Descriptor): Promise<void> {
  const { digest, size } = descriptor;
  try {
    await writer.commit({ size, digest });
  } catch (error) {
    if (isAlreadyExists(error)) return;
    if (!isCode(error, Code.FailedPrecondition)) throw error;
    const ref = ingestRef(descriptor);
    await dropIngest(content, ref);
    throw failedCommit(`failed commit on ref ${JSON.stringify(ref)}: ${(error as ConnectError).rawMessage}`);
  }
}

/** Throws away what was written under a ref, if anything was. */
export async function dropIngest(content: ContentPort, ref: string): Promise<void> {
  try {
    await content.abort(ref);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Stores bytes that are all here. */
export async function writeContent(content: ContentPort, descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
  const writer = await writerFor(content, descriptor);
  if (writer === undefined) return;
  try {
    if (writer.offset > 0) await writer.truncate(0);
    await writer.write(bytes);
    await commitOrDrop(content, writer, descriptor);
  } finally {
    await writer.close();
  }
}
