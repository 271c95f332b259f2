import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import type { TarEntry } from '../../../src/containerd/layers/tar-header.ts';
import { tarReader } from '../../../src/containerd/layers/tar-reader.ts';
import { END_OF_ARCHIVE, encodeHeader, paddingOf, type TarWritten } from '../../../src/containerd/layers/tar-writer.ts';

const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
const entries: TarWritten[] = [
  { name: 'dir', type: 'folder', mode: 0o1755, uid: 1, gid: 2, modified: { seconds: 1_600_000_000, nanoseconds: 0 } },
  { name: long, type: 'file', mode: 0o4644, size: 3, modified: { seconds: 1_600_000_000, nanoseconds: 120_000_000 } },
  { name: 'caf\xc3\xa9', type: 'file', size: 0, modified: { seconds: -2, nanoseconds: 750_000_000 } },
  { name: 'half', type: 'file', size: 0, modified: { seconds: -1, nanoseconds: 500_000_000 } },
  { name: 'link', type: 'symlink', linkName: 'x'.repeat(200) },
  { name: 'hard', type: 'link', linkName: long },
  { name: 'null', type: 'character', mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
  { name: 'owned', type: 'file', size: 0, uid: 3_000_000_000, gid: 4_000_000_000, xattrs: new Map([['user.a', 'b\0=\n']]) },
];
const archive = (): Buffer =>
  Buffer.concat([
    ...entries.flatMap((e) => (e.size ? [encodeHeader(e), Buffer.alloc(e.size, 'x'), paddingOf(e.size)] : [encodeHeader(e)])),
    END_OF_ARCHIVE,
  ]);

test('what is written is read again', () => {
  const found: TarEntry[] = [];
  const reader = tarReader({ entry: (e) => void found.push(e), data: () => {}, end: () => {} });
  reader.push(archive());
  reader.finish();
  const wanted = entries.map((e) => (e.type === 'folder' ? { ...e, name: `${e.name}/` } : e));
  for (const [i, entry] of wanted.entries()) expect(found[i]).toMatchObject(entry);
  expect(found.length).toBe(entries.length);
});

test('GNU tar reads it as well', () => {
  const listed = spawnSync('tar', ['--numeric-owner', '--full-time', '-tv'], {
    input: archive(),
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8' },
  });
  expect(listed.stderr.replace(/.*implausibly old time.*\n/g, '')).toBe('');
  const lines = listed.stdout.trimEnd().split('\n');
  expect(lines.length).toBe(entries.length);
  expect(lines[0]).toMatch(/^drwxr-xr-t 1\/2 .* 2020-09-13 12:26:40 dir\/$/);
  expect(lines[1]).toMatch(new RegExp(`^-rwSr--r-- 0/0 .* 2020-09-13 12:26:40.12 ${long}$`));
  expect(lines[5]).toMatch(/ link to /);
  expect(lines[6]).toMatch(/^crw-rw-rw- 0\/0 .*1,3 /);
  expect(lines[7]).toMatch(/3000000000\/4000000000/);
});
