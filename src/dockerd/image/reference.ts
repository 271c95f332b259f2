/** Names of images in requests, with the API's answers for wrong ones. */
import { ConnectError } from '@connectrpc/connect';
import { isDigest } from '../../containerd/content/digest.ts';
import { familiarReference, formatReference, parseReference, type Reference, withDefaultTag } from '../../containerd/registry/reference.ts';
import { badRequest, wordsOf } from '../http/api-error.ts';

/** @throws 400 invalid reference format */
export function parseName(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    throw badRequest(error instanceof ConnectError ? wordsOf(error) : String(error));
  }
}

/** With `:latest` where neither a tag nor a digest is given; of a tag and a digest, the digest counts. */
export function completeName(text: string): Reference {
  const { tag, ...reference } = withDefaultTag(parseName(text));
  return reference.digest !== undefined || tag === undefined ? reference : { ...reference, tag };
}

/** As containerd keeps it: docker.io/library/busybox:latest. @throws 400 */
export const fullName = (text: string): string => formatReference(completeName(text));

/** As short as Docker shows it: busybox:latest. A name that is none of Docker's stays as it is. */
export function shown(full: string): string {
  try {
    return familiarReference(parseReference(full));
  } catch {
    return full;
  }
}

/** The same without tag and digest: busybox. */
export const shownRepository = ({ domain, path }: Reference): string => familiarReference({ domain, path });

/**
 * A repository and a tag as two parameters: `docker tag`, `import`, `commit`.
 * @returns undefined without a repository
 * @throws 400
 */
export function repositoryTag(repository: string | null, tag: string | null): Reference | undefined {
  if (!repository) return undefined;
  const reference = parseName(repository);
  if (reference.digest !== undefined) throw badRequest('refusing to create a tag with a digest reference');
  const { domain, path } = reference;
  if (shownRepository(reference) === 'sha256') throw badRequest('refusing to create an ambiguous tag using digest algorithm as name');
  if (tag) return parseTag({ domain, path }, tag);
  return withDefaultTag(reference);
}

/** @throws 400 invalid tag format */
function parseTag(reference: Reference, tag: string): Reference {
  if (!/^\w[\w.-]{0,127}$/.test(tag)) throw badRequest('invalid tag format');
  return { ...reference, tag };
}

/** `fromImage` with `tag`, which may be a digest. @throws 400 */
export function withTagOrDigest(name: string, tag: string | null): Reference {
  const { domain, path, ...given } = parseName(name);
  if (tag) return isDigest(tag) ? { domain, path, digest: tag } : parseTag({ domain, path }, tag);
  return { domain, path, ...(given.digest !== undefined ? { digest: given.digest } : given) };
}
