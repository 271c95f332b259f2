import { spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMetadata } from '../../../src/containerd/metadata/store.ts';
import { openNative } from '../../../src/containerd/snapshots/native.ts';
import { openOverlay } from '../../../src/containerd/snapshots/overlay.ts';
import type { Mount, Snapshotter } from '../../../src/containerd/snapshots/snapshotter.ts';
import { bundled } from './support/bundled.ts';

let root: string;
let snapshots: Snapshotter;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'minirun-snapshots-'));
});
afterEach(async () => {
  await snapshots.close();
  rmSync(root, { recursive: true, force: true });
});

/** The records and mounts of overlay snapshots need no overlayfs; mounting them is another test. */
const OPEN: Record<string, () => Promise<Snapshotter>> = {
  native: () => openNative(root),
  overlayfs: () => openOverlay(root, { works: true, userxattr: false }),
};
const folder = (mounts: Mount[]): string => mounts[0]!.source;

describe.each(Object.keys(OPEN))('%s', (name) => {
  beforeEach(async () => {
    snapshots = await OPEN[name]!();
  });

  test('an active snapshot becomes a committed one, another is made of it', async () => {
    writeFileSync(join(folder(await snapshots.prepare('active', '')), 'file'), 'x'.repeat(10_000));
    await snapshots.commit('layer', 'active', { a: 'b' });
    expect(snapshots.stat('layer')).toMatchObject({ kind: 'committed', name: 'layer', parent: '', labels: { a: 'b' } });
    expect(() => snapshots.stat('active')).toThrow('snapshot active: not found');
    await snapshots.prepare('active', 'layer');
    expect(snapshots.stat('active')).toMatchObject({ kind: 'active', parent: 'layer' });
    expect(snapshots.walk().map((s) => s.name)).toEqual(['active', 'layer']);
    expect((await snapshots.usage('layer')).inodes).toBe(2);
    expect((await snapshots.usage('layer')).size).toBeGreaterThanOrEqual(10_000);
  });

  test('a view is to be read only', async () => {
    await snapshots.prepare('a', '');
    await snapshots.commit('layer', 'a');
    expect((await snapshots.view('v', 'layer'))[0]!.options).toContain('ro');
    await expect(snapshots.commit('x', 'v')).rejects.toThrow('snapshot "v" is not active: failed precondition');
  });

  test('errors are in the words of containerd', async () => {
    await snapshots.prepare('a', '');
    await expect(snapshots.prepare('a', '')).rejects.toThrow('snapshot a: already exists');
    await expect(snapshots.prepare('b', 'none')).rejects.toThrow('missing parent "none" bucket: not found');
    await expect(snapshots.prepare('b', 'a')).rejects.toThrow('parent "a" is not committed snapshot: invalid argument');
    await expect(snapshots.commit('c', 'none')).rejects.toThrow('snapshot none: not found');
    await snapshots.commit('layer', 'a');
    await snapshots.prepare('child', 'layer');
    await expect(snapshots.commit('layer', 'child')).rejects.toThrow('committed snapshot layer: already exists');
    await expect(snapshots.remove('layer')).rejects.toThrow('cannot remove snapshot with child: failed precondition');
    expect(() => snapshots.mounts('none')).toThrow('snapshot none: not found');
    expect(() => snapshots.update({ name: 'layer', labels: {} }, ['parent'])).toThrow(
      'cannot update "parent" field on snapshot "layer": invalid argument',
    );
    await snapshots.remove('child');
    await snapshots.remove('layer');
    expect(readdirSync(join(root, 'snapshots'))).toEqual([]);
  });

  test('a removed snapshot between two others frees its parent', async () => {
    await snapshots.prepare('a', '');
    await snapshots.commit('1', 'a');
    await snapshots.prepare('b', '1');
    await snapshots.commit('2', 'b');
    await expect(snapshots.remove('1')).rejects.toThrow('with child');
    await snapshots.remove('2');
    await snapshots.remove('1');
  });

  test('labels change one by one or all', async () => {
    await snapshots.prepare('a', '', { one: '1', two: '2' });
    snapshots.update({ name: 'a', labels: { one: '!', two: '!' } }, ['labels.one']);
    expect(snapshots.stat('a').labels).toEqual({ one: '!', two: '2' });
    snapshots.update({ name: 'a', labels: {} }, ['labels.two']);
    expect(snapshots.stat('a').labels).toEqual({ one: '!' });
    expect(snapshots.update({ name: 'a', labels: { three: '3' } }).labels).toEqual({ three: '3' });
  });

  test('is there again when the root is opened again; what has no record is not', async () => {
    await snapshots.prepare('a', '');
    const mounts = snapshots.mounts('a');
    await snapshots.close();
    mkdirSync(join(root, 'snapshots', 'new-half', 'fs'), { recursive: true });
    mkdirSync(join(root, 'snapshots', '77'));
    snapshots = await OPEN[name]!();
    expect(snapshots.mounts('a')).toEqual(mounts);
    expect(readdirSync(join(root, 'snapshots'))).toEqual(['1']);
  });

  test('other users cannot reach the files', async () => {
    const at = folder(await snapshots.prepare('a', ''));
    expect(at.startsWith(join(root, 'snapshots'))).toBe(true);
    expect(statSync(join(root, 'snapshots')).mode & 0o077).toBe(0);
  });
});

describe('overlayfs', () => {
  test('has the mounts of containerd', async () => {
    snapshots = await OPEN.overlayfs!();
    const at = (n: number) => join(root, 'snapshots', String(n));
    expect(await snapshots.prepare('a', '')).toEqual([{ type: 'bind', source: `${at(1)}/fs`, options: ['rw', 'rbind'] }]);
    await snapshots.commit('1', 'a');
    const index = existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
    expect(await snapshots.prepare('b', '1')).toEqual([
      {
        type: 'overlay',
        source: 'overlay',
        options: [...index, `workdir=${at(2)}/work`, `upperdir=${at(2)}/fs`, `lowerdir=${at(1)}/fs`],
      },
    ]);
    expect(await snapshots.view('v1', '1')).toEqual([{ type: 'bind', source: `${at(1)}/fs`, options: ['ro', 'rbind'] }]);
    await snapshots.commit('2', 'b');
    expect(await snapshots.view('v2', '2')).toEqual([
      { type: 'overlay', source: 'overlay', options: [...index, `lowerdir=${at(2)}/fs:${at(1)}/fs`] },
    ]);
  });

  test('says why it does not work', async () => {
    snapshots = await OPEN.native!();
    await expect(openOverlay(root, { works: false, reason: 'no such device' })).rejects.toThrow(
      /does not work on .*: no such device; native/,
    );
  });
});

describe('native', () => {
  test('copies the parent: links stay links, and the parent stays as it was', async () => {
    snapshots = await OPEN.native!();
    const first = folder(await snapshots.prepare('a', ''));
    writeFileSync(join(first, 'x'), 'one');
    linkSync(join(first, 'x'), join(first, 'y'));
    await snapshots.commit('1', 'a');
    const second = folder(await snapshots.prepare('b', '1'));
    expect(statSync(join(second, 'x')).ino).toBe(statSync(join(second, 'y')).ino);
    writeFileSync(join(second, 'x'), 'two');
    expect(readFileSync(join(folder(snapshots.mounts('b')), 'y'), 'utf8')).toBe('two');
    expect(readFileSync(join(folder(await snapshots.view('v', '1')), 'y'), 'utf8')).toBe('one');
  });
});

/** Makes, commits and removes without end. */
const CHANGER = `
  import { openNative } from './snapshots/native.ts';
  import { writeFileSync } from 'node:fs';
  const snapshots = await openNative(process.argv[2] as string);
  process.stdout.write('ready');
  for (let i = 0; ; i++) {
    const name = process.argv[3] + '-' + i;
    const [mount] = await snapshots.prepare('active ' + name, i > 0 && i % 5 ? process.argv[3] + '-' + (i - 1) : '');
    writeFileSync((mount as { source: string }).source + '/file', name);
    await snapshots.commit(name, 'active ' + name);
    if (i % 3 === 2) await snapshots.prepare('left ' + name, name).then(() => snapshots.remove('left ' + name));
  }`;

test('whenever the process is killed, each record has its folder, and no folder is left over', { timeout: 60_000 }, async () => {
  const program = bundled('snapshot-changer', CHANGER);
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, [program, root, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    await sleep(Math.random() * 150);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    if (round > 0) await snapshots.close();
    snapshots = await openNative(root);
    expect(readdirSync(join(root, 'snapshots')).length).toBe(snapshots.walk().length);
    for (const { name, kind } of snapshots.walk()) {
      if (kind !== 'committed') {
        expect(existsSync(folder(snapshots.mounts(name)))).toBe(true);
        await snapshots.remove(name);
      } else {
        const [view] = await snapshots.view(`look at ${name}`, name);
        expect(readFileSync(join(view!.source, 'file'), 'utf8')).toBe(name);
        await snapshots.remove(`look at ${name}`);
      }
    }
    await snapshots.close();
    snapshots = await openNative(root);
  }
  expect(snapshots.walk().length).toBeGreaterThan(0);
  await snapshots.close();
  const metadata = openMetadata(join(root, 'metadata.lmdb'));
  expect(metadata.table('snapshots').entries().length).toBeGreaterThan(0);
  await metadata.close();
  snapshots = await openNative(root);
});
