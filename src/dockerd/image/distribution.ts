/** What a registry has under a name, without pulling it: its digest, and the platforms. */

import { type BlobSink, fetchBlob } from '../../containerd/registry/blobs.ts';
import type { Credentials } from '../../containerd/registry/credentials.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { hasManifests, MAX_CONFIG, parseConfig, parseManifest } from '../../containerd/registry/manifest.ts';
import { getManifest } from '../../containerd/registry/manifests.ts';
import { normalizePlatform, type Platform } from '../../containerd/registry/platform.ts';
import { objectOf, type Reference } from '../../containerd/registry/reference.ts';
import type { RegistrySettings } from '../../containerd/registry/settings.ts';
import { openSources, type Source, tryEach } from '../../containerd/registry/sources.ts';
import { pullError } from './pull-error.ts';

export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: Platform[];
}

/** A small blob, in the memory. */
async function readBlob({ registry, repository }: Source, descriptor: Descriptor): Promise<Buffer> {
  if (descriptor.size > MAX_CONFIG) throw new Error(`config ${descriptor.digest}: ${descriptor.size} bytes, more than ${MAX_CONFIG}`);
  let bytes: Buffer = Buffer.alloc(0);
  const sink: BlobSink = {
    get offset() {
      return bytes.length;
    },
    async write(chunk) {
      bytes = Buffer.concat([bytes, chunk]);
    },
    async truncate() {
      bytes = Buffer.alloc(0);
    },
  };
  await fetchBlob(registry, repository, descriptor, sink);
  return bytes;
}

async function inspect(source: Source, reference: Reference): Promise<DistributionInspect> {
  const { registry, repository } = source;
  const { descriptor, bytes } = await getManifest(registry, repository, objectOf(reference));
  const { mediaType, digest, size } = descriptor;
  const parsed = parseManifest(bytes, mediaType, `manifest ${digest}`);
  const Descriptor = { mediaType, digest, size };
  if (hasManifests(parsed)) return { Descriptor, Platforms: parsed.manifests.flatMap(({ platform }) => (platform ? [platform] : [])) };
  const { os, architecture, variant } = parseConfig(await readBlob(source, parsed.config), `config ${parsed.config.digest}`);
  return { Descriptor, Platforms: [normalizePlatform({ os, architecture, ...(variant ? { variant } : {}) })] };
}

/** @throws 404, 401, 500 as pull does */
export async function inspectDistribution(
  reference: Reference,
  settings: RegistrySettings,
  credentials: Credentials | undefined,
): Promise<DistributionInspect> {
  const known = credentials
    ? { ...settings, credentials: (host: string) => (host === reference.domain ? credentials : undefined) }
    : settings;
  const sources = openSources(reference, known);
  try {
    return await tryEach(sources.list, (source) => inspect(source, reference));
  } catch (error) {
    throw pullError(error, reference);
  } finally {
    sources.close();
  }
}
