/** An OCI image archive of the busybox fixture, for containerd, which imports nothing less. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUSYBOX_TAR } from './runtime.ts';

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Writes FOLDER/image.tar, an image called `name`, and returns its path. Image specification 1.0.
 * @param more tar files: layers on top of busybox
 */
export function ociArchive(folder: string, name: string, more: readonly Buffer[] = []): string {
  const layout = join(folder, 'image');
  const blobs = join(layout, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const blob = (mediaType: string, bytes: Buffer) => {
    const digest = digestOf(bytes);
    writeFileSync(join(blobs, digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const json = (mediaType: string, value: unknown) => blob(mediaType, Buffer.from(JSON.stringify(value)));

  // A tar that is not compressed: its digest is its diff id as well.
  const layers = [readFileSync(BUSYBOX_TAR), ...more].map((bytes) => blob('application/vnd.oci.image.layer.v1.tar', bytes));
  const config = json('application/vnd.oci.image.config.v1+json', {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    config,
    layers,
  });
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations: { 'io.containerd.image.name': name } }] };
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
  const archive = join(folder, 'image.tar');
  const done = spawnSync('tar', ['-C', layout, '-cf', archive, '.'], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`tar: ${done.stderr}`);
  rmSync(layout, { recursive: true });
  return archive;
}
