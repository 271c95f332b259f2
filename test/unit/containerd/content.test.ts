import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/containerd/content/digest.ts';
import { type ContentStore, openContent } from '../../../src/containerd/content/store.ts';
import { bundled } from './support/bundled.ts';

/** Writes content without end, of few names, so that it also goes on with what an earlier one has left. */
const WRITER = `
  import { createHash, randomBytes } from 'node:crypto';
  import { openContent } from './content/store.ts';
  const store = openContent(process.argv[2] as string);
  process.stdout.write('ready');
  const one = async (ref: string): Promise<void> => {
    for (;;) {
      const ingest = await store.ingest(ref);
      for (let i = 0; i < 20; i++) await ingest.write(randomBytes(20_000));
      await ingest.commit();
    }
  };
  for (const ref of ['a', 'b', 'c']) void one(ref);`;

let root: string;
let store: ContentStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'minirun-content-'));
  store = openContent(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const text = 'hello, content\n';
const collect = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};
const put = async (bytes: string | Buffer, ref = 'a'): Promise<string> => {
  const ingest = await store.ingest(ref);
  await ingest.write(Buffer.from(bytes));
  return ingest.commit();
};

describe('content', () => {
  test('has the name of its digest, where containerd looks for it, and cannot be written to', async () => {
    const digest = await put(text);
    expect(digest).toBe(`sha256:${createHash('sha256').update(text).digest('hex')}`);
    const path = join(root, 'blobs/sha256', digest.slice(7));
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(readdirSync(join(root, 'ingest'))).toEqual([]);
    expect(store.info(digest)).toMatchObject({ digest, size: text.length });
    expect(store.list().map((i) => i.digest)).toEqual([digest]);
    expect(store.has(digest)).toBe(true);
    store.remove(digest);
    expect(store.has(digest)).toBe(false);
  });

  test('is read in parts', async () => {
    const bytes = randomBytes(3_000_001);
    const digest = await put(bytes);
    expect(bytes.equals(await collect(store.read(digest)))).toBe(true);
    expect(bytes.subarray(1_000_000, 2_500_000).equals(await collect(store.read(digest, 1_000_000, 1_500_000)))).toBe(true);
    expect(bytes.subarray(3_000_000).equals(await collect(store.read(digest, 3_000_000)))).toBe(true);
    expect((await collect(store.read(digest, 9_000_000))).length).toBe(0);
  });

  test('a reader that is given up early closes its file', async () => {
    const digest = await put(randomBytes(8_000_000));
    const before = readdirSync('/proc/self/fd').length;
    for await (const _ of store.read(digest)) break;
    store.read(digest).destroy();
    await vi.waitFor(() => expect(readdirSync('/proc/self/fd').length).toBe(before));
  });

  test('that is not there is not found, in the words of containerd', () => {
    const digest = digestOf('nothing');
    const words = `content ${digest}: not found`;
    for (const ask of [() => store.info(digest), () => store.read(digest), () => store.open(digest), () => store.remove(digest)])
      expect(ask).toThrow(words);
    expect(() => store.status('r')).toThrow('ingest ref "r": not found');
    expect(() => store.abort('r')).toThrow('ingest ref "r": not found');
  });

  test.each(['sha256:../../../../etc/passwd', 'md5:d41d8cd98f00b204e9800998ecf8427e', `sha256:${'A'.repeat(64)}`, 'sha256:ab', 'x', ''])(
    '%j is no digest',
    (digest) => expect(() => store.info(digest)).toThrow('invalid argument'),
  );

  test('sha512 too', async () => {
    const expected = digestOf(text, 'sha512');
    const ingest = await store.ingest('a', { expected });
    await ingest.write(Buffer.from(text));
    expect(await ingest.commit({ digest: expected })).toBe(expected);
    const late = await store.ingest('b');
    await late.write(Buffer.from('other'));
    expect(await late.commit({ digest: digestOf('other', 'sha512') })).toBe(digestOf('other', 'sha512'));
    expect(store.list().length).toBe(2);
  });
});

describe('an ingest', () => {
  test('goes on where it was closed', async () => {
    const first = await store.ingest('layer', { total: 15 });
    await first.write(Buffer.from('hello, '));
    await first.close();
    expect(store.statuses()).toMatchObject([{ ref: 'layer', offset: 7, total: 15 }]);
    const second = await store.ingest('layer');
    expect(second).toMatchObject({ offset: 7, total: 15 });
    await second.write(Buffer.from('content\n'));
    expect(await second.commit({ size: 15, digest: digestOf(text) })).toBe(digestOf(text));
  });

  test('has one writer', async () => {
    const first = await store.ingest('layer');
    await expect(store.ingest('layer')).rejects.toThrow('ref layer locked: unavailable');
    await first.close();
    await (await store.ingest('layer')).close();
  });

  test('with a wrong size or digest becomes nothing', async () => {
    for (const wanted of [{ size: 3 }, { digest: digestOf('other') }]) {
      const ingest = await store.ingest('layer');
      await ingest.truncate(0);
      await ingest.write(Buffer.from(text));
      await expect(ingest.commit(wanted)).rejects.toThrow(/unexpected commit (size|digest) .*, expected .*: failed precondition/);
      expect(store.list()).toEqual([]);
      expect(store.status('layer').offset).toBe(text.length);
    }
  });

  test('of what is there is refused, before and after it was written', async () => {
    const late = await store.ingest('b');
    await late.write(Buffer.from(text));
    const digest = await put(text);
    await expect(store.ingest('c', { expected: digest })).rejects.toThrow(`content ${digest}: already exists`);
    await expect(late.commit()).rejects.toThrow(`content ${digest}: already exists`);
    expect(store.statuses()).toEqual([]);
  });

  test('can be cut, and takes writes that do not wait for each other', async () => {
    const ingest = await store.ingest('layer');
    await Promise.all([ingest.write(Buffer.from('hello, ')), ingest.write(Buffer.from('content\nand more'))]);
    await ingest.truncate(15);
    expect(await ingest.commit()).toBe(digestOf(text));
  });

  test('that was aborted under its writer cannot publish what another writes', async () => {
    const first = await store.ingest('layer');
    await first.write(Buffer.from(text));
    store.abort('layer');
    const second = await store.ingest('layer');
    await second.write(Buffer.from('something else'));
    await expect(first.commit()).rejects.toThrow('aborted');
    expect(store.list()).toEqual([]);
    expect(await second.commit()).toBe(digestOf('something else'));
  });

  test('of another total begins anew', async () => {
    const first = await store.ingest('layer', { total: 10 });
    await first.write(Buffer.from('12345'));
    await first.close();
    const second = await store.ingest('layer', { total: 11 });
    expect(second).toMatchObject({ offset: 0, total: 11 });
    await second.close();
  });

  test('that was only half begun is forgotten when the store is opened', () => {
    const folder = join(root, 'ingest', 'ab'.repeat(32));
    mkdirSync(folder);
    writeFileSync(join(folder, 'data'), 'x');
    openContent(root);
    expect(existsSync(folder)).toBe(false);
  });

  test('hashes again what lies there: bytes that changed meanwhile are found out', async () => {
    const first = await store.ingest('layer');
    await first.write(Buffer.from('hello'));
    await first.close();
    const [name] = readdirSync(join(root, 'ingest'));
    appendFileSync(join(root, 'ingest', name!, 'data'), '!');
    const second = await store.ingest('layer');
    expect(second.offset).toBe(6);
    await expect(second.commit({ digest: digestOf('hello') })).rejects.toThrow('unexpected commit digest');
  });
});

test('a store whose process is killed at any moment shows no wrong blob, and its ingests go on', { timeout: 60_000 }, async () => {
  const worker = bundled('content-writer', WRITER);
  let resumed = 0;
  for (let round = 0; round < 12; round++) {
    const child: ChildProcess = spawn(process.execPath, [worker, root, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    await sleep(Math.random() * 120);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const after = openContent(root);
    for (const { digest } of after.list()) expect(digestOf(await collect(after.read(digest)))).toBe(digest);
    for (const { ref, offset } of after.statuses()) {
      const ingest = await after.ingest(ref);
      if (offset > 0) resumed++;
      expect(ingest.offset).toBe(offset);
      expect(ingest.digest()).toBe(digestOf(readFileSync(join(root, 'ingest', createHash('sha256').update(ref).digest('hex'), 'data'))));
      await ingest.close();
    }
  }
  expect(store.list().length + resumed).toBeGreaterThan(0);
});
