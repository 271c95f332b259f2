/** An image of a few bytes, in a tiny registry: its layers are plain text, which is enough where nobody unpacks them. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { sha256, type TinyRegistry } from './tiny-registry.ts';

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
export const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export const incompressible = (size: number): Buffer => randomBytes(size);

/** Puts the blobs there and the manifest under the tag. */
export function addImage(
  registry: TinyRegistry,
  repository: string,
  tag: string | undefined,
  contents: (string | Buffer)[],
  architecture = 'amd64',
) {
  const layers = contents.map((content) => ({ mediaType: LAYER, ...registry.addBlob(gzipSync(content)) }));
  const config = {
    architecture,
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: contents.map((content) => sha256(content)) },
    config: { Cmd: ['sh'] },
  };
  const stored = { mediaType: CONFIG, ...registry.addBlob(JSON.stringify(config)) };
  const target = registry.addManifest(repository, tag, MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config: stored, layers });
  return { target, config: stored, layers, diffIds: config.rootfs.diff_ids };
}
