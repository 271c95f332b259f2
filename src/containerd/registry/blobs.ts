/** Blobs of a repository: layers and configs. */
import { failedPrecondition } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { discard, type Incoming, isConnectionError } from './http-request.ts';
import { pullScope } from './manifests.ts';
import type { Registry } from './registry.ts';
import { backOff } from './retry.ts';

const blobPath = (repository: string, digest: string) => `/v2/${repository}/blobs/${digest}`;

/** Is it there? */
export async function hasBlob(
  registry: Registry,
  repository: string,
  digest: string,
  scope = pullScope(repository),
  signal?: AbortSignal,
): Promise<boolean> {
  const incoming = await registry.call({
    method: 'HEAD',
    path: blobPath(repository, digest),
    scopes: [scope],
    accept: [200, 404],
    why: 'is this blob there already?',
    ...(signal && { signal }),
  });
  await discard(incoming);
  return incoming.status === 200;
}

export async function deleteBlob(registry: Registry, repository: string, digest: string): Promise<void> {
  const scopes = [`repository:${repository}:delete`];
  await discard(
    await registry.call({
      method: 'DELETE',
      path: blobPath(repository, digest),
      scopes,
      accept: [200, 202],
      why: 'the blob is to be deleted',
    }),
  );
}

/** Where a blob is written to, and how far that has come: the content store's ingest, or a test's. */
export interface BlobSink {
  /** bytes that are there already, or are being written */
  readonly offset: number;
  /** writes at `offset`, and moves that on at once: several writes may be under way */
  write(chunk: Uint8Array): Promise<void>;
  truncate(offset: number): Promise<void>;
}

/** Asks for the blob from an offset on. 206 is the rest; 200 is all of it, from a server that knows no ranges. */
async function openBlob(
  registry: Registry,
  repository: string,
  { digest, size }: Descriptor,
  offset: number,
  signal?: AbortSignal,
): Promise<Incoming> {
  const incoming = await registry.call({
    method: 'GET',
    path: blobPath(repository, digest),
    headers: { Accept: '*/*', 'Accept-Encoding': 'identity', ...(offset > 0 && { Range: `bytes=${offset}-` }) },
    scopes: [pullScope(repository)],
    accept: [200, 206],
    why: offset > 0 ? `the rest of the blob, from byte ${offset} on` : 'the blob',
    ...(signal && { signal }),
  });
  if (incoming.status === 206) {
    const range = incoming.headers['content-range'] ?? '';
    if (!range.startsWith(`bytes ${offset}-`)) {
      incoming.body.destroy();
      throw failedPrecondition(`blob ${digest}: asked for bytes from ${offset} on, was answered with ${JSON.stringify(range)}`);
    }
  }
  const length = incoming.headers['content-length'];
  const start = incoming.status === 206 ? offset : 0;
  if (length !== undefined && start + Number(length) !== size) {
    incoming.body.destroy();
    throw failedPrecondition(`blob ${digest}: ${start + Number(length)} bytes, but the manifest says ${size}`);
  }
  return incoming;
}

/** Bytes that are read while others are still on their way to the disk. */
const IN_FLIGHT = 4 << 20;

/** Writes what comes; stops at once when it is more than was announced, so that nobody fills the disk. */
async function drain({ body }: Incoming, sink: BlobSink, { digest, size }: Descriptor, arrived: (offset: number) => void): Promise<void> {
  const writes: { done: Promise<void>; bytes: number }[] = [];
  let waiting = 0;
  const settle = async (most: number) => {
    for (let first = writes[0]; first !== undefined && waiting > most; first = writes[0]) {
      writes.shift();
      waiting -= first.bytes;
      await first.done;
    }
  };
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (sink.offset + chunk.length > size) throw failedPrecondition(`blob ${digest}: more than the ${size} bytes that the manifest says`);
      const done = sink.write(chunk);
      done.catch(() => {}); // seen when it is waited for
      writes.push({ done, bytes: chunk.length });
      waiting += chunk.length;
      await settle(IN_FLIGHT);
      arrived(sink.offset);
    }
    await settle(0);
  } finally {
    body.destroy();
    await Promise.allSettled(writes.map(({ done }) => done));
  }
}

/** Node says no more than `aborted` of a connection that was cut. */
function cutOff({ digest, size }: Descriptor, offset: number, cause: unknown): Error {
  const { message } = cause as Error;
  const text = message === 'aborted' ? 'the connection was cut' : message;
  return Object.assign(new Error(`blob ${digest}: ${text}; ${offset} of ${size} bytes are here`, { cause }), { connection: true });
}

/**
 * Brings a blob to its end, going on where the sink stands, also after the connection was cut.
 * It does not verify the digest: the sink's commit does, over all bytes.
 * @param arrived is told of each new offset
 */
export async function fetchBlob(
  registry: Registry,
  repository: string,
  descriptor: Descriptor,
  sink: BlobSink,
  arrived: (offset: number) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  const { digest, size } = descriptor;
  if (sink.offset > size) await sink.truncate(0);
  // A connection that brought something may be cut again and again; only standing still counts as failing.
  for (let failures = 0; sink.offset < size; ) {
    const before = sink.offset;
    try {
      const incoming = await openBlob(registry, repository, descriptor, before, signal);
      if (incoming.status === 200 && before > 0) await sink.truncate(0);
      await drain(incoming, sink, descriptor, arrived);
      if (sink.offset < size)
        throw Object.assign(new Error(`blob ${digest}: the connection ended after ${sink.offset} of ${size} bytes`), { connection: true });
    } catch (error) {
      const cut =
        isConnectionError(error) ||
        ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ETIMEDOUT', 'EPIPE'].includes((error as { code?: string }).code ?? '');
      failures = sink.offset > before ? 1 : failures + 1;
      if (signal?.aborted) throw signal.reason;
      if (!cut) throw error;
      if (failures >= registry.retry.attempts) throw cutOff(descriptor, sink.offset, error);
      await backOff(registry.retry, failures + 1, undefined, signal);
    }
  }
}
