/**
 * What a person types to name an image, `busybox`, and what it stands for,
 * `docker.io/library/busybox:latest`.
 * @see https://pkg.go.dev/github.com/distribution/reference the grammar that Docker and containerd share
 */

import { parseDigest } from '../content/digest.ts';
import { invalidArgument } from '../errors.ts';

export interface Reference {
  /** host, or host:port, of the registry: `docker.io`, `localhost:5000`, `[::1]:5000` */
  domain: string;
  /** name of the repository there: `library/busybox` */
  path: string;
  tag?: string;
  digest?: string;
}

const DEFAULT_DOMAIN = 'docker.io';
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** An image's id can be given where a name can; a repository of such a name could never be reached. */
const ID = /^[a-f0-9]{64}$/;

const refused = (text: string, why?: string) =>
  invalidArgument(`invalid reference format${why ? `: ${why}` : ''}: ${JSON.stringify(text)}`);

/** The part before the first slash is a host only if it looks like one: `foo/bar` is a user's image on Docker Hub. */
function splitDomain(name: string): [domain: string, path: string] {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const [domain, path] = isHost ? [first, name.slice(slash + 1)] : [DEFAULT_DOMAIN, name];
  const canonical = domain === 'index.docker.io' ? DEFAULT_DOMAIN : domain;
  return [canonical, canonical === DEFAULT_DOMAIN && !path.includes('/') ? `library/${path}` : path];
}

/**
 * Reads a reference as `docker` does: the domain may be left out, and so may `library/`.
 * The tag stays undefined when none is given; see {@link withDefaultTag}.
 * @throws invalid argument, beginning with the words users know: "invalid reference format"
 */
export function parseReference(text: string): Reference {
  if (ID.test(text)) throw invalidArgument(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const [domain, path] = splitDomain(colon < 0 ? named : named.slice(0, colon));
  if (!PATH.test(path)) {
    const lower = PATH.test(path.toLowerCase());
    throw refused(text, lower ? `repository name (${path}) must be lowercase` : undefined);
  }
  if (!DOMAIN.test(domain) || (tag !== undefined && !TAG.test(tag))) throw refused(text);
  if (domain.length + 1 + path.length > 255) throw invalidArgument('repository name must not be more than 255 characters');
  if (digest !== undefined) {
    try {
      parseDigest(digest);
    } catch (error) {
      throw refused(text, (error as Error).message.replace(/^\[\w+\] /, ''));
    }
  }
  return { domain, path, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** The same with `:latest`, if it has neither a tag nor a digest. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;

const suffix = ({ tag, digest }: Reference) => `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;

/** In full, as containerd keeps names of images: `docker.io/library/busybox:latest`. */
export const formatReference = (reference: Reference): string => `${reference.domain}/${reference.path}${suffix(reference)}`;

/** As short as `docker` prints it: `busybox:latest`. */
export function familiarReference(reference: Reference): string {
  const hub = reference.domain === DEFAULT_DOMAIN;
  const path = hub ? reference.path.replace(/^library\/(?=[^/]+$)/, '') : reference.path;
  return `${hub ? '' : `${reference.domain}/`}${path}${suffix(reference)}`;
}

/** What the registry is asked for: the digest if there is one, since it says more than the tag. */
export const objectOf = (reference: Reference): string => reference.digest ?? reference.tag ?? 'latest';

/** The host that answers for a domain. Docker Hub's name and its registry's differ. */
export const registryHost = (domain: string): string => (domain === DEFAULT_DOMAIN ? 'registry-1.docker.io' : domain);
