import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, type Metadata, openMetadata } from '../../../src/containerd/metadata/store.ts';
import { packageRoot } from '../../../src/runc/engine/installed.ts';

const KILLED = `
  import { openMetadata } from './store.ts';
  const metadata = openMetadata(process.argv[2] as string);
  const table = metadata.table<number>('t');
  table.put('before', 1);
  metadata.transaction(() => {
    table.put('half', 1);
    process.kill(process.pid, 'SIGKILL');
  });`;

describe('metadata', () => {
  let folder: string;
  let metadata: Metadata;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-metadata-'));
    metadata = openMetadata(join(folder, 'meta.db'));
  });
  afterAll(async () => {
    await metadata.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('finds long keys by their prefix: lmdb escapes control characters in short ones only', () => {
    const content = metadata.table<number>('content');
    content.put(keyOf('ns', 'x'.repeat(90)), 1);
    content.put(keyOf('ns', 'x'), 2);
    content.put(keyOf('ns2', 'x'.repeat(90)), 3);
    expect(content.entries(keyOf('ns', '')).map(([, v]) => v)).toEqual([2, 1]);
  });
  it('keeps records by key, those of a prefix together', () => {
    const images = metadata.table<{ n: number }>('images');
    images.put(keyOf('default', 'b'), { n: 2 });
    images.put(keyOf('default', 'a'), { n: 1 });
    images.put(keyOf('default2', 'a'), { n: 3 });
    images.put(keyOf('defau', 'é'), { n: 4 });
    expect(images.entries(keyOf('default', '')).map(([, v]) => v.n)).toEqual([1, 2]);
    expect(images.get(keyOf('defau', 'é'))).toEqual({ n: 4 });
    expect(images.remove(keyOf('defau', 'é'))).toBe(true);
    expect(images.remove(keyOf('defau', 'é'))).toBe(false);
    expect(images.entries()).toHaveLength(3);
  });

  it('does a transaction wholly or not at all, also one inside another', () => {
    const table = metadata.table<number>('numbers');
    expect(() =>
      metadata.transaction(() => {
        table.put('a', 1);
        metadata.transaction(() => table.put('b', 2));
        expect(table.get('b')).toBe(2);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(table.entries()).toEqual([]);
    expect(metadata.transaction(() => table.put('a', 1) ?? 'done')).toBe('done');
    expect(table.get('a')).toBe(1);
  });

  it('has what was written before a kill, and nothing of a transaction that it broke', async () => {
    const path = join(folder, 'killed.db');
    const program = join(packageRoot(), 'node_modules/.cache/minirun-test/killed-metadata.mjs');
    buildSync({
      stdin: { contents: KILLED, resolveDir: join(packageRoot(), 'src/containerd/metadata'), loader: 'ts' },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['lmdb'],
    });
    const done = spawnSync(process.execPath, [program, path], { encoding: 'utf8' });
    expect(done.signal, done.stderr).toBe('SIGKILL');
    const again = openMetadata(path);
    try {
      expect(again.table('t').entries()).toEqual([['before', 1]]);
    } finally {
      await again.close();
    }
  });
});
