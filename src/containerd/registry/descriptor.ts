/**
 * A pointer to content: what it is, how long it is, and its digest.
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 */

import { parseDigest } from '../content/digest.ts';
import { invalidArgument } from '../errors.ts';
import { isConfig, isIndex, isLayer, isManifest } from './media-types.ts';
import type { Platform } from './platform.ts';

export interface Descriptor {
  mediaType: string;
  digest: string;
  /** bytes */
  size: number;
  annotations?: Record<string, string>;
  /** in an index: what the manifest's image runs on */
  platform?: Platform;
  artifactType?: string;
  urls?: string[];
  data?: string;
}

/** @throws invalid argument, when it is no descriptor that can be followed */
export function checkDescriptor(value: unknown, where: string): Descriptor {
  const found = value as Partial<Descriptor> | null;
  if (typeof found !== 'object' || found === null) throw invalidArgument(`${where}: not a descriptor`);
  if (typeof found.mediaType !== 'string') throw invalidArgument(`${where}: mediaType is missing`);
  if (!Number.isSafeInteger(found.size) || (found.size as number) < 0) throw invalidArgument(`${where}: size ${found.size} is no length`);
  parseDigest(String(found.digest));
  return found as Descriptor;
}

/** Under which name an ingest of it is found again after a crash: as containerd names them, so that `ctr content active` reads well. */
export function ingestRef({ mediaType, digest }: Descriptor): string {
  const kind = isManifest(mediaType)
    ? 'manifest'
    : isIndex(mediaType)
      ? 'index'
      : isLayer(mediaType)
        ? 'layer'
        : isConfig(mediaType)
          ? 'config'
          : 'unknown';
  return `${kind}-${digest}`;
}
