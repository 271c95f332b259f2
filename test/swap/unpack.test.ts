/** The same layers, unpacked by containerd and by minirun: the folders on the disk are the same, whiteouts and attributes included. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeAt } from '../../src/containerd/diff/node.ts';
import { applyLayer } from '../../src/containerd/layers/apply.ts';
import { openOverlay } from '../../src/containerd/snapshots/overlay.ts';
import { xattrsAt } from '../../src/libc/xattr.ts';
import { skipReason } from '../integration/support/minirun.ts';
import { tarOf, type Written } from '../unit/containerd/support/layers.ts';
import { eventually } from './support/sandbox.ts';

const reason = skipReason({ root: true, program: 'containerd' }) ?? skipReason({ program: 'ctr' });
if (reason) console.log(`unpacking beside containerd: skipped, ${reason}`);

const folderOf = (name: string, more: Partial<Written> = {}): Written => ({ name, type: '5', mode: 0o755, mtime: 1_500_000_000, ...more });
const LAYERS: Written[][] = [
  [
    folderOf('etc'),
    { name: 'etc/passwd', body: 'root:x:0:0::/:/bin/sh\n' },
    folderOf('opt', { mode: 0o2775, gid: 50 }),
    { name: 'opt/a', body: 'a' },
    { name: 'opt/b', body: 'b', pax: { mtime: '1600000000.123456789' } },
    { name: 'opt/link', type: '1', link: 'opt/a' },
    folderOf('opt/opaque', { mode: 0o1777, uid: 5 }),
    { name: 'opt/opaque/old', body: 'x' },
    { name: 'opt/becomes-file/x', body: 'x' },
    { name: 'opt/becomes-folder', body: 'x' },
    { name: 'opt/gone/x', body: 'x' },
    folderOf('var', { uid: 1, gid: 2, mode: 0o750 }),
  ],
  [
    folderOf('opt', { mode: 0o2775, gid: 50 }),
    { name: 'opt/.wh.gone' },
    { name: 'opt/.wh.never-was' },
    { name: 'opt/becomes-file', body: 'now a file', mode: 0o6755, uid: 3, gid: 4 },
    folderOf('opt/becomes-folder'),
    { name: 'opt/becomes-folder/y', body: 'y' },
    folderOf('opt/opaque'),
    { name: 'opt/opaque/.wh..wh..opq' },
    { name: 'opt/opaque/new', body: 'n', pax: { 'SCHILY.xattr.user.note': 'kept', 'SCHILY.xattr.trusted.own': 'kept' } },
    { name: 'opt/symbolic', type: '2', link: '../nowhere', uid: 9, mtime: 1_400_000_000 },
    { name: 'opt/null', type: '3', major: 1, minor: 3, mode: 0o666 },
    { name: 'opt/pipe', type: '6', mode: 0o600 },
    { name: 'var/unnamed/parents/file', body: 'f' },
  ],
];

let folder: string;
let daemon: ChildProcess;
const theirs = (n: number): string => join(folder, 'root/io.containerd.snapshotter.v1.overlayfs/snapshots', String(n), 'fs');
const ours = (n: number): string => join(folder, 'ours/snapshots', String(n), 'fs');

/** What lies in a folder. Folders that no entry names have the time at which they were made: that is left out. */
function listOf(root: string, timeless: Set<string>): string[] {
  const lines: string[] = [];
  const walk = (path: string): void => {
    const fd = openSync(join(root, path), 'r');
    try {
      for (const name of readdirSync(join(root, path)).sort()) {
        const node = nodeAt(fd, name);
        const here = join(path, name);
        const { type, mode, uid, gid, size, device, linkName } = node!;
        const links = type === 'folder' || type === 'whiteout' ? 0 : node!.links;
        const time = type === 'whiteout' || timeless.has(here) ? '' : `${node!.modified.seconds}.${node!.modified.nanoseconds}`;
        const body = type === 'file' ? readFileSync(join(root, here), 'utf8') : '';
        lines.push(
          JSON.stringify({
            here,
            type,
            mode,
            uid,
            gid,
            size,
            device: String(device),
            linkName,
            links,
            time,
            body,
            xattrs: [...xattrsAt(fd, name)],
          }),
        );
        if (type === 'folder') walk(here);
      }
    } finally {
      closeSync(fd);
    }
  };
  walk('.');
  return lines;
}

/** An OCI archive of the layers, for `ctr image import`. */
function archiveOf(layers: Buffer[]): string {
  const layout = join(folder, 'layout');
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  const put = (bytes: Buffer | string, mediaType: string) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(layout, 'blobs/sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) };
  };
  const diffIds = layers.map((bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' };
  const config = put(
    JSON.stringify({ ...platform, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
    'application/vnd.oci.image.config.v1+json',
  );
  const stored = layers.map((bytes) => put(gzipSync(bytes), 'application/vnd.oci.image.layer.v1.tar+gzip'));
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = put(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: stored }), mediaType);
  const annotations = { 'io.containerd.image.name': 'example.org/layers:latest' };
  writeFileSync(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, platform, annotations }] }));
  writeFileSync(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  spawnSync('tar', ['-C', layout, '-cf', `${layout}.tar`, 'oci-layout', 'index.json', 'blobs']);
  return `${layout}.tar`;
}

describe.skipIf(reason)('layers unpacked by containerd and by minirun', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-unpack-'));
    const address = join(folder, 'containerd.sock');
    const config = join(folder, 'config.toml');
    writeFileSync(
      config,
      `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${address}"\n`,
    );
    // Its mounts are its own, and end with it.
    daemon = spawn('unshare', ['-m', 'containerd', '-c', config], { stdio: 'ignore' });
    await eventually('containerd answers', () => spawnSync('ctr', ['-a', address, 'version']).status === 0);
    const layers = LAYERS.map((entries) => tarOf(...entries));
    const imported = spawnSync('ctr', ['-a', address, 'image', 'import', archiveOf(layers)], { encoding: 'utf8' });
    expect(imported.status, imported.stderr).toBe(0);
    const snapshots = await openOverlay(join(folder, 'ours'));
    for (const [i, layer] of layers.entries()) {
      await applyLayer(await snapshots.prepare('unpack', i === 0 ? '' : `${i}`), Readable.from([gzipSync(layer)]));
      await snapshots.commit(`${i + 1}`, 'unpack');
    }
    await snapshots.close();
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(LAYERS.map((_, i) => i + 1))('layer %i is the same on the disk', (n) => {
    const timeless = new Set(['opt/becomes-file', 'opt/gone', 'var', 'var/unnamed', 'var/unnamed/parents']);
    const found = listOf(ours(n), timeless);
    expect(found).toEqual(listOf(theirs(n), timeless));
    expect(found.length).toBeGreaterThan(8);
  });
});
