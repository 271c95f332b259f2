import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ContentStore, openContent } from '../../src/containerd/content/store.ts';
import { diff } from '../../src/containerd/diff/diff.ts';
import { applyLayer } from '../../src/containerd/layers/apply.ts';
import { openNative } from '../../src/containerd/snapshots/native.ts';
import { openOverlay } from '../../src/containerd/snapshots/overlay.ts';
import type { Mount, Snapshotter } from '../../src/containerd/snapshots/snapshotter.ts';
import { tarOf, type Written } from '../unit/containerd/support/layers.ts';

const asRoot = process.geteuid?.() === 0;
let folder: string;
let content: ContentStore;
let snapshots: Snapshotter;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-snapshots-'));
  content = openContent(join(folder, 'content'));
});
afterEach(async () => {
  await snapshots.close();
  rmSync(folder, { recursive: true, force: true });
});
const OPEN: Record<string, () => Promise<Snapshotter>> = {
  overlayfs: () => openOverlay(join(folder, 'snapshots')),
  native: () => openNative(join(folder, 'snapshots')),
};

/** Types commands in a folder where the snapshot is mounted, in a mount namespace that ends with them. */
function inside(mounts: Mount[], script: string): string {
  const [mount] = mounts as [Mount];
  const root = join(folder, 'mounted');
  mkdirSync(root, { recursive: true });
  const line =
    mount.type === 'bind' ? `mount --bind ${mount.source} ${root}` : `mount -t overlay overlay -o ${mount.options.join(',')} ${root}`;
  const done = spawnSync('unshare', ['-m', 'sh', '-ec', `${line}; cd ${root}; ${script}`], { encoding: 'utf8' });
  expect(done.stderr).toBe('');
  return done.stdout;
}
const LIST = String.raw`find . -mindepth 1 -printf '%P %y %m %U:%G %n %l %T@ ' \( -type f -exec sha256sum {} \; -o -printf '\n' \) | sort`;
/** Of a folder, neither time (of the last change in it) nor links (a merged one of overlayfs has 1) are compared. */
const listOf = (mounts: Mount[]): string[] =>
  inside(mounts, LIST)
    .split('\n')
    .map((line) => (/^\S+ d /.test(line) ? line.replace(/\d+ +\d+\.\d+ *$/, '') : line));

const layer = async (name: string, parent: string, ...entries: Written[]): Promise<void> => {
  await applyLayer(await snapshots.prepare(`unpack ${name}`, parent), Readable.from([tarOf(...entries)]));
  await snapshots.commit(name, `unpack ${name}`);
};
const base: Written[] = [
  { name: 'etc', type: '5', mode: 0o755 },
  { name: 'etc/conf', body: 'one' },
  { name: 'etc/gone', body: 'gone' },
  { name: 'etc/touched', body: 'same' },
  { name: 'usr/lib/a/b/file', body: 'deep' },
  { name: 'replaced/by/file', body: 'x' },
  { name: 'opaque/old', body: 'x' },
  { name: 'opaque/stays', body: 'x' },
  { name: 'sub/dir/file', body: 'x' },
];
const CHANGE = `
  echo two > etc/conf; rm etc/gone; chmod 600 etc/touched; echo new > usr/lib/a/new; ln usr/lib/a/new usr/lib/a/again
  rm -r replaced; echo file > replaced; rm -r opaque; mkdir opaque; echo x > opaque/new; echo other > opaque/stays
  ln -s ../etc etc/link; mknod null c 1 3; mkfifo pipe; rm -r sub/dir; echo small > 'with space'; chown 5:6 'with space'
  chmod u+s 'with space'; touch -d '2001-02-03 04:05:06.789' etc/touched; truncate -s 1M zeros`;

describe.runIf(asRoot).each(Object.keys(OPEN))('%s', (name) => {
  beforeEach(async () => {
    snapshots = await OPEN[name]!();
  });

  test('the difference of a container, applied again, gives the same tree; always in the same bytes', async () => {
    await layer('1', '', { name: 'lowest', body: 'x' }, { name: 'hidden', body: 'x' });
    await layer('2', '1', ...base, { name: '.wh.hidden' });
    const active = await snapshots.prepare('container', '2');
    inside(active, CHANGE);
    const lower = await snapshots.view('lower', '2');
    const first = await diff(content, lower, active, { ref: 'a' });
    const second = await diff(content, lower, active, { ref: 'b', compression: 'plain' });
    expect(first.mediaType).toBe('application/vnd.oci.image.layer.v1.tar+gzip');
    expect(second.digest).toBe(first.diffId);
    expect((await diff(content, lower, active, { ref: 'c' })).digest).toBe(first.digest);
    expect(content.info(first.digest).size).toBe(first.size);
    expect(content.statuses()).toEqual([]);

    const applied = await snapshots.prepare('again', '2');
    expect(await applyLayer(applied, content.read(first.digest))).toMatchObject({ digest: first.diffId, ignored: [] });
    expect(listOf(applied)).toEqual(listOf(active));
    expect(listOf(applied).join('\n')).toMatch(/zeros f 644/);
  });

  test('the difference names only what differs, whiteouts one by one', async () => {
    await layer('1', '', ...base);
    const active = await snapshots.prepare('container', '1');
    inside(active, 'rm etc/gone; rm -r opaque; mkdir opaque; echo x > opaque/new; echo new > usr/lib/a/b/new');
    const lower = await snapshots.view('lower', '1');
    const { digest } = await diff(content, lower, active, { ref: 'a', compression: 'plain' });
    const names = spawnSync('tar', ['-tf', join(content.root, 'blobs/sha256', digest.slice(7))], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n');
    expect(names).toEqual(
      [
        'etc/',
        'etc/.wh.gone',
        'opaque/',
        'opaque/new',
        'opaque/.wh.old',
        'opaque/.wh.stays',
        'usr/',
        'usr/lib/',
        'usr/lib/a/',
        'usr/lib/a/b/',
        'usr/lib/a/b/new',
      ].sort((a, b) => names.indexOf(a) - names.indexOf(b)),
    );
  });

  test('without a parent, everything is new', async () => {
    const active = await snapshots.prepare('a', '');
    await applyLayer(active, Readable.from([tarOf(...base)]));
    const { digest, diffId } = await diff(content, [], active, { ref: 'a' });
    const again = await snapshots.prepare('b', '');
    expect((await applyLayer(again, content.read(digest))).digest).toBe(diffId);
    expect(listOf(again)).toEqual(listOf(active));
  });

  test('paths that are too long from the root of the machine are counted, told and removed all the same', async () => {
    const deep = 'd/'.repeat(2000);
    await layer('1', '', { name: 'x', pax: { path: `${deep}file` }, body: 'x' });
    expect((await snapshots.usage('1')).inodes).toBeGreaterThan(1000);
    const { digest } = await diff(content, [], await snapshots.view('v', '1'), { ref: 'a', compression: 'plain' });
    const archive = readFileSync(join(content.root, 'blobs/sha256', digest.slice(7)));
    expect(archive.includes(`${deep}file`)).toBe(true);
    await snapshots.remove('v');
    await snapshots.remove('1');
    expect(readdirSync(join(folder, 'snapshots', 'snapshots'))).toEqual([]);
  });

  test('nothing is mounted, and no descriptor open, afterwards', async () => {
    const before = [readFileSync('/proc/self/mounts', 'utf8'), readdirSync('/proc/self/fd').length];
    await layer('1', '', ...base);
    await layer('2', '1', { name: 'x' });
    const view = await snapshots.view('v', '2');
    await diff(content, await snapshots.view('w', '1'), view, { ref: 'a' });
    expect([readFileSync('/proc/self/mounts', 'utf8'), readdirSync('/proc/self/fd').length]).toEqual(before);
  });
});

test.runIf(asRoot)('overlayfs: forty layers, whose names are longer than a mount option may be', async () => {
  snapshots = await OPEN.overlayfs!();
  for (let i = 1; i <= 40; i++)
    await layer(`${i}`, i === 1 ? '' : `${i - 1}`, { name: `file${i}`, body: 'x' }, { name: 'last', body: `${i}` });
  const active = await snapshots.prepare('a', '40');
  const { digest } = await diff(content, [], active, { ref: 'a' });
  const flat = await snapshots.prepare('flat', '');
  await applyLayer(flat, content.read(digest));
  expect(readdirSync(flat[0]!.source).length).toBe(41);
  expect(readFileSync(join(flat[0]!.source, 'last'), 'utf8')).toBe('40');
});
