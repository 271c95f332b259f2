/**
 * Uploading a blob: not at all when it is there, by a mount when another repository of the registry
 * has it, else in one piece or in several.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 */
import { pipeline, type Readable, Transform } from 'node:stream';
import { failedPrecondition, invalidArgument } from '../errors.ts';
import { hasBlob } from './blobs.ts';
import type { Descriptor } from './descriptor.ts';
import { discard, type Incoming } from './http-request.ts';
import { pullScope, pushScope } from './manifests.ts';
import type { Registry } from './registry.ts';
import { backOff } from './retry.ts';

export type Uploaded = 'exists' | 'mounted' | 'uploaded';

export interface UploadOptions {
  /** repositories of the same registry that may have the blob */
  mountFrom?: readonly string[];
  /** bytes of a piece; 0 for one request with all of it (the default) */
  chunk?: number;
  arrived?: (offset: number) => void;
  signal?: AbortSignal;
}

/** Where the upload goes on: the registry says it anew after each piece, relative or whole. */
function locationOf(incoming: Incoming): URL {
  const { location } = incoming.headers;
  if (location === undefined || !URL.canParse(location, incoming.url.href)) {
    throw invalidArgument(`${incoming.url.host} began an upload but did not say where: Location ${JSON.stringify(location)}`);
  }
  return new URL(location, incoming.url);
}

const withDigest = (location: URL, digest: string): URL => {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return url;
};

/** The stream, counted on its way. An error of the source ends both. */
function counted(source: Readable, arrived: (offset: number) => void): Readable {
  let offset = 0;
  const counter = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      offset += chunk.length;
      arrived(offset);
      done(null, chunk);
    },
  });
  return pipeline(source, counter, () => {});
}

/**
 * @param read opens the blob's bytes from an offset on, `length` of them if given
 */
export async function pushBlob(
  registry: Registry,
  repository: string,
  descriptor: Descriptor,
  read: (offset: number, length?: number) => Readable,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { digest, size } = descriptor;
  const { signal } = options;
  const scopes = [pushScope(repository)];
  const common = { scopes, ...(signal && { signal }) };
  if (await hasBlob(registry, repository, digest, pushScope(repository), signal)) return 'exists';

  for (const from of options.mountFrom ?? []) {
    const query = new URLSearchParams({ mount: digest, from });
    const incoming = await registry.call({
      ...common,
      method: 'POST',
      path: `/v2/${repository}/blobs/uploads/?${query}`,
      scopes: [...scopes, pullScope(from)],
      accept: [201, 202, 400, 401, 403, 404, 405],
      why: `repository ${from} has this blob: take it from there`,
    });
    await discard(incoming);
    if (incoming.status === 201) return 'mounted';
    // 202: no mount, but an upload was begun. It is given back.
    if (incoming.status === 202) await cancel(registry, locationOf(incoming), scopes);
  }

  const begin = async (): Promise<URL> => {
    const incoming = await registry.call({
      ...common,
      method: 'POST',
      path: `/v2/${repository}/blobs/uploads/`,
      accept: [202],
      why: 'an upload is to begin',
    });
    await discard(incoming);
    return locationOf(incoming);
  };

  for (let attempt = 1; ; attempt++) {
    let location = await begin();
    try {
      if (options.chunk) location = await patchAll(location, options.chunk);
      await finish(location, options.chunk ? undefined : () => counted(read(0), options.arrived ?? (() => {})));
      return 'uploaded';
    } catch (error) {
      await cancel(registry, location, scopes);
      const passing =
        (error as { connection?: boolean; status?: number }).connection || ((error as { status?: number }).status ?? 0) >= 500;
      if (!passing || attempt >= registry.retry.attempts || signal?.aborted) throw error;
      await backOff(registry.retry, attempt + 1, undefined, signal);
    }
  }

  async function finish(location: URL, stream: (() => Readable) | undefined): Promise<void> {
    const incoming = await registry.call({
      ...common,
      method: 'PUT',
      path: withDigest(location, digest),
      headers: stream ? { 'Content-Type': 'application/octet-stream', 'Content-Length': String(size) } : { 'Content-Length': '0' },
      ...(stream && { stream }),
      accept: [201, 204],
      attempts: 1,
      why: stream ? 'the blob, and the digest that it must have' : 'that was all; the digest that it must have',
    });
    const stored = incoming.headers['docker-content-digest'];
    await discard(incoming);
    if (stored !== undefined && stored !== digest) throw failedPrecondition(`got digest ${stored}, expected ${digest}`);
  }

  async function patchAll(first: URL, piece: number): Promise<URL> {
    let location = first;
    for (let offset = 0; offset < size; offset += piece) {
      const length = Math.min(piece, size - offset);
      const at = offset;
      const incoming = await registry.call({
        ...common,
        method: 'PATCH',
        path: location,
        headers: {
          'Content-Type': 'application/octet-stream',
          'Content-Length': String(length),
          'Content-Range': `${at}-${at + length - 1}`,
        },
        stream: () => read(at, length),
        accept: [202],
        attempts: 1,
        why: `bytes ${at} to ${at + length - 1} of the blob`,
      });
      await discard(incoming);
      location = locationOf(incoming);
      options.arrived?.(at + length);
    }
    return location;
  }
}

async function cancel(registry: Registry, location: URL, scopes: string[]): Promise<void> {
  const ended = registry.call({
    method: 'DELETE',
    path: location,
    scopes,
    accept: [200, 202, 204, 400, 404, 405],
    attempts: 1,
    why: 'the upload is given up',
  });
  await ended.then(discard, () => {});
}
