/** Manifests and indexes of a repository, by tag or by digest. */

import { digestOf, isDigest, parseDigest } from '../content/digest.ts';
import { failedPrecondition, invalidArgument, notFound } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { discard, type Incoming, readBody } from './http-request.ts';
import { MAX_MANIFEST } from './manifest.ts';
import { isSchema1, MANIFEST_TYPES } from './media-types.ts';
import type { Registry } from './registry.ts';

const ACCEPT = { Accept: [...MANIFEST_TYPES, '*/*'].join(', ') };

export const pullScope = (repository: string): string => `repository:${repository}:pull`;
export const pushScope = (repository: string): string => `repository:${repository}:pull,push`;

const manifestPath = (repository: string, object: string) => `/v2/${repository}/manifests/${object}`;

const typeOf = ({ headers }: Incoming): string => headers['content-type']?.replace(/;.*$/, '').trim() ?? '';

/** The digest in the answer's header, if there is one. @throws when it is there and wrong */
function announced({ headers }: Incoming, object: string): string | undefined {
  const header = headers['docker-content-digest'];
  const digest = header === undefined ? (isDigest(object) ? object : undefined) : String(header);
  if (header !== undefined) parseDigest(String(header));
  if (digest !== undefined && isDigest(object) && digest !== object)
    throw failedPrecondition(`asked for ${object}, was answered with ${digest}`);
  return digest;
}

/**
 * What a tag points to now, without its content.
 * @returns undefined when the registry does not tell enough: then ask with {@link getManifest}
 * @throws not found
 */
export async function headManifest(
  registry: Registry,
  repository: string,
  object: string,
  signal?: AbortSignal,
): Promise<Descriptor | undefined> {
  const incoming = await registry.call({
    method: 'HEAD',
    path: manifestPath(repository, object),
    headers: ACCEPT,
    scopes: [pullScope(repository)],
    accept: [200, 405],
    why: `what is ${isDigest(object) ? 'this digest' : `tag ${object}`}?`,
    ...(signal && { signal }),
  });
  await discard(incoming);
  if (incoming.status === 405) return undefined;
  const digest = announced(incoming, object);
  const size = Number(incoming.headers['content-length'] ?? Number.NaN);
  const mediaType = typeOf(incoming);
  if (digest === undefined || !Number.isSafeInteger(size) || isSchema1(mediaType)) return undefined;
  if (size > MAX_MANIFEST) throw notFound(`rejecting ${size} byte manifest for ${repository}:${object}`);
  return { mediaType, digest, size };
}

/**
 * A manifest, its digest verified.
 * @param object a tag, or a digest that the content must have
 * @throws not found; failed precondition for other content than was asked for
 */
export async function getManifest(
  registry: Registry,
  repository: string,
  object: string,
  signal?: AbortSignal,
): Promise<{ descriptor: Descriptor; bytes: Buffer }> {
  const incoming = await registry.call({
    method: 'GET',
    path: manifestPath(repository, object),
    headers: ACCEPT,
    scopes: [pullScope(repository)],
    accept: [200],
    why: 'the manifest: which config, which layers, or which images of which platforms',
    ...(signal && { signal }),
  });
  const bytes = await readBody(incoming, MAX_MANIFEST);
  const expected = announced(incoming, object);
  const digest = digestOf(bytes, expected && parseDigest(expected).algorithm);
  if (expected !== undefined && digest !== expected)
    throw failedPrecondition(`unexpected digest ${digest} of manifest ${repository}@${object}, expected ${expected}`);
  return { descriptor: { mediaType: typeOf(incoming), digest, size: bytes.length }, bytes };
}

/** Stores a manifest under a tag or its digest. What it names must be there already. */
export async function putManifest(
  registry: Registry,
  repository: string,
  object: string,
  mediaType: string,
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  if (bytes.length > MAX_MANIFEST) throw invalidArgument(`manifest of ${bytes.length} bytes, more than ${MAX_MANIFEST}`);
  const incoming = await registry.call({
    method: 'PUT',
    path: manifestPath(repository, object),
    headers: { 'Content-Type': mediaType },
    body: bytes,
    scopes: [pushScope(repository)],
    accept: [200, 201, 202],
    why: `the manifest, last: all that it names is there${isDigest(object) ? '' : `; and tag ${object} points to it`}`,
    ...(signal && { signal }),
  });
  await discard(incoming);
}

/** Deletes a tag, or a manifest by its digest. Registries may refuse (405). @throws not found */
export async function deleteManifest(registry: Registry, repository: string, object: string, signal?: AbortSignal): Promise<void> {
  const incoming = await registry.call({
    method: 'DELETE',
    path: manifestPath(repository, object),
    scopes: [`repository:${repository}:delete`],
    accept: [200, 202],
    why: 'the manifest is to be deleted',
    ...(signal && { signal }),
  });
  await discard(incoming);
}
