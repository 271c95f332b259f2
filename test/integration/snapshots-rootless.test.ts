import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundled } from '../unit/containerd/support/bundled.ts';
import { tarOf } from '../unit/containerd/support/layers.ts';
import { ORDINARY, skipReason } from './support/minirun.ts';

const reason = skipReason({ root: true, program: 'unshare' });
if (reason) console.log(`snapshots of ordinary users: skipped, ${reason}`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-rootless-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'own'));
  spawnSync('chown', ['-R', `${ORDINARY}:${ORDINARY}`, join(folder, 'own')]);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PROGRAM = `
  import { createReadStream } from 'node:fs';
  import { openContent } from './content/store.ts';
  import { diff } from './diff/diff.ts';
  import { applyLayer } from './layers/apply.ts';
  import { openNative } from './snapshots/native.ts';
  import { openOverlay, overlaySupport } from './snapshots/overlay.ts';
  const [, , folder, ...layers] = process.argv as string[];
  const support = overlaySupport(folder + '/snapshots');
  const snapshots = await (support.works ? openOverlay(folder + '/snapshots', support) : openNative(folder + '/snapshots'));
  let parent = '';
  const ignored: string[] = [];
  for (const layer of layers) {
    const mounts = await snapshots.prepare('unpack', parent);
    ignored.push(...(await applyLayer(mounts, createReadStream(layer))).ignored);
    await snapshots.commit(layer, 'unpack');
    parent = layer;
  }
  const mounts = await snapshots.prepare('container', parent);
  const content = openContent(folder + '/content');
  const flat = await diff(content, [], mounts, { ref: 'a', compression: 'plain' });
  console.log(JSON.stringify({ support, mounts, ignored, blob: content.root + '/blobs/sha256/' + flat.digest.slice(7) }));
  await snapshots.close();`;

interface Answer {
  support: { works: boolean; userxattr?: boolean; reason?: string };
  mounts: { type: string; options: string[] }[];
  ignored: string[];
  blob: string;
}

/** Two layers, the second with whiteouts, unpacked by an ordinary user; and all files of both. */
function unpackAs(...before: string[]): Answer & { files: string[] } {
  const program = bundled('rootless-snapshots', PROGRAM);
  const layers = [
    tarOf(
      { name: 'dir/old', body: 'o' },
      { name: 'gone', body: 'g' },
      { name: 'stays', body: 's' },
      { name: 'null', type: '3', major: 1, minor: 3 },
    ),
    tarOf({ name: '.wh.gone' }, { name: 'dir/new', body: 'n' }, { name: 'dir/.wh..wh..opq' }),
  ].map((bytes, i) => {
    const path = join(folder, `layer${i}.tar`);
    writeFileSync(path, bytes);
    return path;
  });
  const argv = [
    '--reuid',
    `${ORDINARY}`,
    '--regid',
    `${ORDINARY}`,
    '--clear-groups',
    ...before,
    process.execPath,
    program,
    join(folder, 'own'),
    ...layers,
  ];
  const done = spawnSync('setpriv', argv, { encoding: 'utf8', cwd: '/' });
  expect(done.status, done.stderr).toBe(0);
  const answer: Answer = JSON.parse(done.stdout);
  const files = spawnSync('tar', ['-tf', answer.blob], { encoding: 'utf8' }).stdout.trim().split('\n');
  return { ...answer, files };
}

test.skipIf(reason)('an ordinary user in a user namespace of their own has overlayfs, with attributes of users', () => {
  const { support, mounts, files, ignored } = unpackAs('unshare', '-Urm');
  expect(support).toEqual({ works: true, userxattr: true });
  expect(mounts[0]!.type).toBe('overlay');
  expect(mounts[0]!.options).toContain('userxattr');
  expect(files).toEqual(['dir/', 'dir/new', 'stays']);
  expect(ignored).toEqual(['the device: only root outside of user namespaces may make it']);
});

test.skipIf(reason)('an ordinary user without one has copies, and is told why', () => {
  const { support, mounts, files } = unpackAs();
  expect(support.works).toBe(false);
  expect(support.reason).toMatch(/EPERM/);
  expect(mounts[0]!.type).toBe('bind');
  expect(files).toEqual(['dir/', 'dir/new', 'stays']);
});
