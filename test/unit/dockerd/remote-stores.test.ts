/** The stores over gRPC, with minirun's containerd at the other end: in memory, as one in another process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Containerd, openContainerd } from '../../../src/containerd/containerd.ts';
import { embeddedTransport } from '../../../src/containerd/embedded.ts';
import type { Stores } from '../../../src/containerd/transfer/ports.ts';
import { pull } from '../../../src/containerd/transfer/pull.ts';
import { containerdClients } from '../../../src/dockerd/containerd/clients.ts';
import { remoteStores } from '../../../src/dockerd/containerd/stores.ts';
import { addImage, incompressible } from '../containerd/support/tiny-image.ts';
import { sha256, tinyRegistry } from '../containerd/support/tiny-registry.ts';

describe('stores of another containerd', () => {
  let folder: string;
  let containerd: Containerd;
  let stores: Stores;
  let clients: ReturnType<typeof containerdClients>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-remote-'));
    containerd = await openContainerd({
      root: join(folder, 'root'),
      state: join(folder, 'state'),
      address: '',
      program: '',
      shimFolders: [],
      log: () => {},
      writeLog: () => {},
      debug: false,
    });
    clients = containerdClients(embeddedTransport(containerd), 'test', 'gRPC in memory');
    stores = remoteStores(clients, 'native');
  });
  afterAll(async () => {
    await containerd.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = async (digest: string, ...range: number[]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stores.content.read(digest, ...range) as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  it('writes content in pieces, also several under way, and reads any part of it', async () => {
    const bytes = incompressible(3_000_000);
    const digest = sha256(bytes);
    await stores.leased(async ({ content }) => {
      const writer = await content.ingest('one', { expected: digest, total: bytes.length });
      await Promise.all([writer.write(bytes.subarray(0, 10)), writer.write(bytes.subarray(10, 20)), writer.write(bytes.subarray(20))]);
      expect(writer.offset).toBe(bytes.length);
      expect(await writer.commit({ size: bytes.length, digest })).toBe(digest);
      await writer.close();
      await expect(content.ingest('one', { expected: digest })).rejects.toMatchObject({ code: 6 });
      await look(digest, bytes);
    });
  });

  const look = async (digest: string, bytes: Buffer) => {
    expect((await stores.content.info(digest)).size).toBe(bytes.length);
    expect((await read(digest)).equals(bytes)).toBe(true);
    expect((await read(digest, 5, 7)).equals(bytes.subarray(5, 12))).toBe(true);
    expect(await read(digest, 5, 0)).toHaveLength(0);
    await stores.content.label(digest, { a: '1', b: '2' });
    await stores.content.label(digest, { a: '' });
    expect((await stores.content.info(digest)).labels).toEqual({ b: '2' });
    await expect(read(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 5 });
  };

  it('goes on with what was begun, begins anew, refuses wrong bytes and a second writer', async () => {
    const first = await stores.content.ingest('two', { total: 4 });
    await first.write(Buffer.from('ab'));
    await expect(stores.content.ingest('two')).rejects.toMatchObject({ code: 14 });
    await first.close();
    const second = await stores.content.ingest('two', { total: 4 });
    expect(second.offset).toBe(2);
    await second.truncate(0);
    await second.write(Buffer.from('wxyz'));
    await expect(second.commit({ size: 4, digest: sha256('abcd') })).rejects.toMatchObject({ code: 9 });
    await expect(second.write(Buffer.from('more'))).rejects.toThrow();
    await second.close();
    await stores.content.abort('two');
    await expect(stores.content.abort('two')).rejects.toMatchObject({ code: 5 });
  });

  it('names images, and names them anew', async () => {
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256('x'), size: 1 };
    await stores.images.put({ name: 'n', target, labels: { a: '1' } });
    await stores.images.put({ name: 'n', target: { ...target, digest: sha256('y') }, labels: { b: '2' } });
    expect(await stores.images.get('n')).toMatchObject({ name: 'n', target: { digest: sha256('y') }, labels: { a: '1', b: '2' } });
    expect((await stores.images.list()).map(({ name }) => name)).toEqual(['n']);
    await expect(Promise.resolve(stores.images.get('m'))).rejects.toMatchObject({ code: 5 });
  });

  it('leases last as long as what is done under them', async () => {
    const leases = async () => (await clients.leases.list({})).leases.length;
    await stores.leased(async () => expect(await leases()).toBe(1));
    await expect(stores.leased(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await leases()).toBe(0);
  });

  it('is enough for a pull', async () => {
    const tiny = await tinyRegistry();
    try {
      const { target, layers } = addImage(tiny, 'a', '1', ['one', 'two']);
      const { image } = await pull(stores, `${tiny.host}/a:1`, { platform: { os: 'linux', architecture: 'amd64' }, unpack: false });
      expect(image.target.digest).toBe(target.digest);
      for (const { digest, size } of layers) expect((await stores.content.info(digest)).size).toBe(size);
    } finally {
      await tiny.close();
    }
  });
});
