/** Digests, `algorithm:hex`: the names of content. Source: OCI image-spec, descriptor.md, "Digests". */
import { createHash, type Hash } from 'node:crypto';
import { invalidArgument } from '../errors.ts';

/** The registered algorithms, and how many hexadecimal digits each has. */
const DIGITS: Record<string, number> = { sha256: 64, sha512: 128 };

/** What everybody uses unless told otherwise. */
export const CANONICAL = 'sha256';

export const ALGORITHMS = Object.keys(DIGITS);

export interface DigestParts {
  algorithm: string;
  hex: string;
}

/**
 * Takes a digest apart. Only what this accepts may become part of a path: digits and letters a to f.
 * @throws ConnectError invalid argument, in the words of containerd, for anything else
 */
export function parseDigest(digest: string): DigestParts {
  const colon = digest.indexOf(':');
  if (colon <= 0) throw invalidArgument(`invalid checksum digest format: ${JSON.stringify(digest)}`);
  const algorithm = digest.slice(0, colon);
  const hex = digest.slice(colon + 1);
  const digits = DIGITS[algorithm];
  if (digits === undefined) throw invalidArgument(`unsupported digest algorithm: ${JSON.stringify(digest)}`);
  if (hex.length !== digits) throw invalidArgument(`invalid checksum digest length: ${JSON.stringify(digest)}`);
  if (!/^[0-9a-f]+$/.test(hex)) throw invalidArgument(`invalid checksum digest format: ${JSON.stringify(digest)}`);
  return { algorithm, hex };
}

export const isDigest = (text: string): boolean => {
  const [algorithm = '', hex = '', more] = text.split(':');
  return more === undefined && hex.length === DIGITS[algorithm] && /^[0-9a-f]+$/.test(hex);
};

/** A running hash of one of {@link ALGORITHMS}. */
export const hasher = (algorithm: string): Hash => createHash(algorithm);

/** The digest that a hash has come to; the hash itself can go on. */
export const digestSoFar = (algorithm: string, hash: Hash): string => `${algorithm}:${hash.copy().digest('hex')}`;

/** The digest of bytes that are all there. */
export const digestOf = (bytes: string | Uint8Array, algorithm = CANONICAL): string =>
  `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
