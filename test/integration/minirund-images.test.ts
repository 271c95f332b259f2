/** Images in a minirund that is killed, lied to, kept waiting, and asked for nonsense. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG, LAYER, MANIFEST } from '../unit/containerd/support/tiny-image.ts';
import { type TinyRegistry, tinyRegistry } from '../unit/containerd/support/tiny-registry.ts';
import { PROJECT } from './support/minirun.ts';

const TAR = join(PROJECT, 'rootfs-fixtures/build/busybox.tar');
const reason = process.getuid?.() !== 0 ? 'only root unpacks layers with their owners' : existsSync(TAR) ? undefined : `needs ${TAR}`;
if (reason) console.log(`minirund-images: skipped, ${reason}`);

interface Answer {
  status: number;
  /** Whole lines of JSON. */
  lines: { status?: string; error?: string; message?: string; stream?: string; RepoTags?: string[] }[];
}

describe.skipIf(reason)('images of minirund', () => {
  let folder: string;
  let daemon: ChildProcess;
  let tiny: TinyRegistry;
  const socketPath = () => join(folder, 'docker.sock');

  const start = async () => {
    const flags = ['-H', `unix://${socketPath()}`, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')];
    // Whatever it mounts is seen by nobody else, and gone with it. exec: the pid is the daemon's.
    daemon = spawn('unshare', ['-m', '--propagation', 'private', join(PROJECT, 'bin/minirund'), ...flags, '--max-download-attempts', '2'], {
      stdio: 'ignore',
    });
    for (let i = 0; i < 200; i++) {
      const up = await ask('GET', '/_ping').catch(() => undefined);
      if (up?.status === 200) return;
      await pause(50);
    }
    throw new Error('minirund does not answer');
  };
  const stop = (signal: NodeJS.Signals) =>
    new Promise<void>((done) => {
      daemon.once('exit', () => done());
      daemon.kill(signal);
    });

  /** @param body sent at once, or by the caller */
  const send = (method: string, path: string, answered: (answer: Answer) => void, failed: (error: Error) => void, body?: Buffer) => {
    const sent = request({ socketPath: socketPath(), method, path: `/v1.50${path}`, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('error', failed);
      response.on('end', () => {
        const lines =
          text.trim() === '' || !/json/.test(String(response.headers['content-type']))
            ? []
            : text
                .trim()
                .split(/\r?\n/)
                .flatMap((l) => JSON.parse(l));
        answered({ status: response.statusCode ?? 0, lines });
      });
    });
    sent.on('error', failed);
    sent.end(body);
    return sent;
  };
  const ask = (method: string, path: string, body?: Buffer) =>
    new Promise<Answer>((answered, failed) => send(method, path, answered, failed, body));
  const pull = (name: string) => ask('POST', `/images/create?${new URLSearchParams({ fromImage: `${tiny.host}/${name}` })}`);
  const names = async () => (await ask('GET', '/images/json')).lines.flatMap(({ RepoTags }) => RepoTags ?? []);
  const last = ({ lines }: Answer) => lines.at(-1) ?? {};

  let made = 0;
  /** An image of one real layer, of which nothing is known yet: behind its end a tar may have any number of zeros. */
  const addImage = (repository: string, diffId?: string) => {
    const tar = Buffer.concat([readFileSync(TAR), Buffer.alloc(512 * ++made)]);
    const bytes = gzipSync(tar, { level: 1 });
    const layer = { mediaType: LAYER, ...tiny.addBlob(bytes) };
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const plain = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
    const config = {
      architecture,
      os: 'linux',
      config: { Labels: { repository } },
      rootfs: { type: 'layers', diff_ids: [diffId ?? plain] },
    };
    const stored = { mediaType: CONFIG, ...tiny.addBlob(JSON.stringify(config)) };
    tiny.addManifest(repository, '1', MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config: stored, layers: [layer] });
    return { layer, bytes };
  };
  const remove = async (name: string) => void (await ask('DELETE', `/images/${tiny.host}/${name}?force=1`));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirund-images-'));
    tiny = await tinyRegistry();
    await start();
  });
  afterEach(() => {
    tiny.mischief = undefined;
  });
  afterAll(async () => {
    if (daemon) await stop('SIGTERM');
    await tiny?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('killed in the middle of a pull it has no half image, and goes on where it was', async () => {
    const { layer, bytes } = addImage('killed');
    const half = Math.floor(bytes.length / 2);
    const reached = new Promise<void>((done) => {
      tiny.mischief = ({ path, method, headers }, answer) => {
        if (method !== 'GET' || !path.includes(layer.digest) || headers.range) return false;
        answer.writeHead(200, { 'content-length': bytes.length });
        answer.write(bytes.subarray(0, half), () => setTimeout(done, 300));
        return true;
      };
    });
    const pulled = pull('killed:1').catch((error: Error) => error);
    await reached;
    await stop('SIGKILL');
    expect(await pulled).toBeInstanceOf(Error);
    await start();
    expect(await names()).toEqual([]);
    expect(last(await pull('killed:1')).status).toMatch(/^Status: Downloaded newer image/);
    expect(tiny.seen.some(({ headers }) => headers.range === `bytes=${half}-`)).toBe(true);
    expect(await names()).toEqual([`${tiny.host}/killed:1`]);
    await stop('SIGKILL');
    await start();
    expect(await names()).toEqual([`${tiny.host}/killed:1`]);
    await remove('killed:1');
  });

  it('tells of a layer that is not what its digest or the config says, and takes the right one afterwards', async () => {
    const { layer, bytes } = addImage('lies');
    tiny.blobs.set(layer.digest, Buffer.from(bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte))));
    expect(last(await pull('lies:1')).error).toContain('unexpected commit digest');
    tiny.blobs.set(layer.digest, bytes);
    addImage('wrong', `sha256:${'1'.repeat(64)}`);
    expect(last(await pull('wrong:1')).error).toContain('wrong diff id');
    expect(await names()).toEqual([]);
    expect(last(await pull('lies:1')).status).toMatch(/^Status: Downloaded newer image/);
    await remove('lies:1');
  });

  it('lets the registry go when the client goes', async () => {
    const { layer, bytes } = addImage('left');
    const cut = new Promise<void>((done) => {
      tiny.mischief = ({ path, method }, answer) => {
        if (method !== 'GET' || !path.includes(layer.digest)) return false;
        answer.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 1000));
        answer.on('close', done);
        client.destroy();
        return true;
      };
    });
    const path = `/images/create?${new URLSearchParams({ fromImage: `${tiny.host}/left`, tag: '1' })}`;
    const client = send(
      'POST',
      path,
      () => {},
      () => {},
    );
    await cut;
    expect(await names()).toEqual([]);
  });

  it('pulls one image for many at once', async () => {
    const { layer } = addImage('many');
    tiny.seen.length = 0;
    const answers = await Promise.all(Array.from({ length: 30 }, () => pull('many:1')));
    for (const answer of answers) expect(last(answer).status).toMatch(/^Status: /);
    expect(tiny.seen.filter(({ path, method }) => method === 'GET' && path.includes(layer.digest))).toHaveLength(1);
    await remove('many:1');
  });

  it('answers nonsense with the reason, also when it has not read all of it', async () => {
    const garbage = Buffer.alloc(30 << 20, 'no tar ');
    for (const path of ['/images/load', '/images/create?fromSrc=-']) {
      const { status, lines } = await ask('POST', path, garbage);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(lines[0]?.message).toContain('no tar archive');
    }
    const refusals: [method: string, path: string, status: number, words: string][] = [
      ['POST', '/images/create', 400, 'neither fromImage nor fromSrc'],
      ['POST', '/images/create?fromImage=UPPER', 400, 'must be lowercase'],
      ['POST', '/images/create?fromImage=a&tag=b%20c', 400, 'invalid tag format'],
      ['POST', '/images/create?fromImage=a&platform=x%2Fy%2Fz%2Fw', 400, 'invalid platform'],
      ['POST', '/images/none/tag?repo=a', 404, 'No such image: none:latest'],
      ['POST', '/images/none/tag', 400, 'repo is missing'],
      ['GET', '/images/json?filters=nonsense', 400, 'not JSON'],
      ['GET', '/images/none/json?platform=%7B%22os%22%3A1%7D', 400, 'os: '],
      [
        'GET',
        '/images/none/json?platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D&manifests=1',
        400,
        'cannot both be set',
      ],
      ['GET', '/images/get?names=none', 404, 'No such image: none:latest'],
      ['DELETE', '/images/none', 404, 'No such image: none:latest'],
      ['POST', '/auth', 400, 'user name'],
      ['GET', '/images/search', 400, 'term'],
    ];
    for (const [method, path, status, words] of refusals) {
      const answer = await ask(method, path);
      expect({ path, status: answer.status, message: answer.lines[0]?.message }).toEqual({
        path,
        status,
        message: expect.stringContaining(words),
      });
    }
    expect((await ask('POST', '/auth', Buffer.from('{"username":3}'))).lines[0]?.message).toContain('username');
  });
});
