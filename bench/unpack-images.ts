/** The images that are unpacked: OCI layouts of one layer each, made at run time. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { END_OF_ARCHIVE, encodeHeader, paddingOf } from '../src/containerd/layers/tar-writer.ts';
import { CLONE } from './contenders.ts';

export interface Image {
  name: string;
  note: string;
  /** A folder: index.json, blobs/. */
  layout: string;
  /** The same as a tar file. */
  archive: string;
  layer: string;
}

const FOLDERS = 200;
const FILES = 100;

/** 20,000 files of 64 to 2,560 bytes: what a folder of node_modules is like. */
function smallFiles(): Buffer {
  const pieces: Buffer[] = [];
  for (let d = 0; d < FOLDERS; d++) {
    pieces.push(encodeHeader({ name: `srv/d${d}`, type: 'folder', mode: 0o755, modified: { seconds: 1_600_000_000, nanoseconds: 0 } }));
    for (let f = 0; f < FILES; f++) {
      const body = Buffer.from(
        createHash('sha256')
          .update(`${d}/${f}`)
          .digest('hex')
          .repeat((f % 40) + 1),
      );
      const modified = { seconds: 1_600_000_000 + f, nanoseconds: 0 };
      pieces.push(
        encodeHeader({ name: `srv/d${d}/file${f}.js`, type: 'file', mode: 0o644, size: body.length, modified }),
        body,
        paddingOf(body.length),
      );
    }
  }
  return Buffer.concat([...pieces, END_OF_ARCHIVE]);
}

/** A tar archive of the fixture; undefined when that was not made. */
function debian(): Buffer | undefined {
  const folder = join(CLONE, 'rootfs-fixtures/build/debian');
  if (!existsSync(join(folder, 'etc/debian_version'))) return undefined;
  const done = spawnSync('tar', ['-C', folder, '--numeric-owner', '--sort=name', '-c', '.'], { maxBuffer: 2 ** 30 });
  return done.status === 0 ? done.stdout : undefined;
}

function writeImage(scratch: string, name: string, note: string, plain: Buffer): Image {
  const layout = join(scratch, `${name}.oci`);
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer | string, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(layout, 'blobs/sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) };
  };
  const layer = put(gzipSync(plain), 'application/vnd.oci.image.layer.v1.tar+gzip');
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const rootfs = { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(plain).digest('hex')}`] };
  const config = put(JSON.stringify({ architecture, os: 'linux', config: {}, rootfs }), 'application/vnd.oci.image.config.v1+json');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = put(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }), mediaType);
  const annotations = { 'io.containerd.image.name': `example.org/${name}:latest`, 'org.opencontainers.image.ref.name': 'latest' };
  const platform = { architecture, os: 'linux' };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, platform, annotations }] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const archive = `${layout}.tar`;
  spawnSync('tar', ['-C', layout, '-cf', archive, 'oci-layout', 'index.json', 'blobs']);
  const mega = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const sizes = `${mega(plain.length)}, gzipped ${mega(layer.size)}`;
  return { name, note: `${note}; ${sizes}`, layout, archive, layer: join(layout, 'blobs/sha256', layer.digest.slice(7)) };
}

/** Makes the images. What cannot be made is said, and left out. */
export function images(scratch: string): { present: Image[]; absent: string[] } {
  const found = debian();
  const present = [writeImage(scratch, 'small-files', `${FOLDERS * FILES} small files in ${FOLDERS} folders`, smallFiles())];
  if (found) present.unshift(writeImage(scratch, 'debian', 'Debian 12, as small as debootstrap makes it', found));
  return { present, absent: found ? [] : ['Debian: its root filesystem is not there (npm run fixtures debian)'] };
}

/** The digests of a layout's blobs, and the layer's. */
export const blobsOf = (layout: string): { all: string[]; layer: string; diffId: string } => {
  const read = (digest: string) => JSON.parse(readFileSync(join(layout, 'blobs/sha256', digest.slice(7)), 'utf8'));
  const [manifest] = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')).manifests;
  const { config, layers } = read(manifest.digest);
  return {
    all: [layers[0].digest, config.digest, manifest.digest],
    layer: layers[0].digest,
    diffId: read(config.digest).rootfs.diff_ids[0],
  };
};
