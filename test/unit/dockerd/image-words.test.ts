/** What requests about images say, and how lines about them are written. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import { durationOf } from '../../../src/containerd/duration.ts';
import { notFound } from '../../../src/dockerd/http/api-error.ts';
import { lent } from '../../../src/dockerd/http/body.ts';
import { humanSize, progressOf, streamed } from '../../../src/dockerd/http/messages.ts';
import { pointInTime } from '../../../src/dockerd/http/point-in-time.ts';
import { glob } from '../../../src/dockerd/image/glob.ts';
import { historyOf } from '../../../src/dockerd/image/history.ts';
import { completeName, fullName, repositoryTag, shown, withTagOrDigest } from '../../../src/dockerd/image/reference.ts';
import { credentialsOf, requestCredentials } from '../../../src/dockerd/image/registry-settings.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test('patterns of names stop at slashes', () => {
  expect(glob('busy*').test('busybox')).toBe(true);
  expect(glob('*').test('a/b')).toBe(false);
  expect(glob('*/b:?').test('a/b:1')).toBe(true);
  expect(glob('[a-c]x').test('bx')).toBe(true);
  expect(glob('[^a-c]x').test('bx')).toBe(false);
  expect(glob('a\\*').test('a*')).toBe(true);
  expect(glob('a.b').test('axb')).toBe(false);
  for (const wrong of ['[', 'a\\', '[z-a]']) expect(() => glob(wrong)).toThrow('syntax error in pattern');
});

test('points in time: seconds, dates, durations before now', () => {
  const now = Date.UTC(2026, 0, 2);
  expect(pointInTime('10.5', now)).toBe(10_500);
  expect(pointInTime('1h30m', now)).toBe(now - 5_400_000);
  expect(pointInTime('2026-01-01T10:00:00Z', now)).toBe(Date.UTC(2026, 0, 1, 10));
  expect(pointInTime('2026-01-01T10:00:00.25+01:00', now)).toBe(Date.UTC(2026, 0, 1, 9, 0, 0, 250));
  expect(pointInTime('2026-01-01Z', now)).toBe(Date.UTC(2026, 0, 1));
  expect(pointInTime('2026-01-01T10', now)).toBe(new Date(2026, 0, 1, 10).getTime());
  expect(pointInTime('2026-01-01T10:30', now)).toBe(new Date(2026, 0, 1, 10, 30).getTime());
  for (const wrong of ['', 'yesterday', '1x', '2026-13-45', '10:00']) expect(() => pointInTime(wrong, now)).toThrow('failed to parse');
  expect(durationOf('-1.5s')).toBe(-1500);
  expect(durationOf('h')).toBeUndefined();
});

test('names: in full, short, with a tag or a digest of its own parameter', () => {
  expect(fullName('busybox')).toBe('docker.io/library/busybox:latest');
  expect(fullName(`busybox:1@${DIGEST}`)).toBe(`docker.io/library/busybox@${DIGEST}`);
  expect(shown('docker.io/library/busybox:latest')).toBe('busybox:latest');
  expect(shown('not a name')).toBe('not a name');
  expect(withTagOrDigest('a/b', DIGEST)).toEqual({ domain: 'docker.io', path: 'a/b', digest: DIGEST });
  expect(withTagOrDigest('a/b:1', '2')).toEqual({ domain: 'docker.io', path: 'a/b', tag: '2' });
  expect(withTagOrDigest('a/b', null)).toEqual({ domain: 'docker.io', path: 'a/b' });
  expect(() => withTagOrDigest('a/b', 'no tag')).toThrow('invalid tag format');
  expect(repositoryTag('', '1')).toBeUndefined();
  expect(repositoryTag('a', null)).toMatchObject({ tag: 'latest' });
  expect(() => repositoryTag(`a@${DIGEST}`, null)).toThrow('refusing to create a tag with a digest reference');
  expect(() => repositoryTag('sha256', 'x')).toThrow('refusing to create an ambiguous tag');
  expect(() => completeName('UPPER')).toThrow('must be lowercase');
});

test('who asks a registry', () => {
  const request = (value: unknown) =>
    ({ headers: { 'x-registry-auth': Buffer.from(JSON.stringify(value)).toString('base64url') } }) as never;
  expect(requestCredentials(request({ username: 'me', password: 'ä?>' }))).toEqual({ username: 'me', password: 'ä?>' });
  expect(requestCredentials(request({ identitytoken: 't' }))).toEqual({ identityToken: 't' });
  expect(requestCredentials(request({}))).toBeUndefined();
  expect(requestCredentials(request({ username: 3 }))).toBeUndefined();
  expect(requestCredentials({ headers: { 'x-registry-auth': 'nonsense!' } } as never)).toBeUndefined();
  const none = { username: undefined, password: undefined, serveraddress: undefined, identitytoken: undefined, registrytoken: undefined };
  expect(credentialsOf({ ...none, auth: btoa('me:a:b') })).toEqual({ username: 'me', password: 'a:b' });
});

test('bars of progress', () => {
  expect(humanSize(999)).toBe('999B');
  expect(humanSize(1_536_000)).toBe('1.536MB');
  expect(progressOf(0, 100).progress).toBe(`[>${' '.repeat(50)}]      0B/100B`);
  expect(progressOf(50, 100).progress).toBe(`[${'='.repeat(25)}>${' '.repeat(25)}]     50B/100B`);
  expect(progressOf(100, 100).progress).toBe(`[${'='.repeat(50)}>]    100B/100B`);
  expect(progressOf(2000, 0)).toEqual({ progressDetail: { current: 2000 }, progress: '     2kB' });
});

test('history: a layer for each step that made one', () => {
  const history = [
    { created: '2026-01-01T00:00:00Z', created_by: 'ADD', comment: 'one' },
    { created_by: 'CMD', empty_layer: true },
    { created_by: 'RUN' },
  ];
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] }, history };
  const layers = [10, 20].map((size) => ({ chainId: '', size }));
  const found = historyOf({ id: DIGEST, names: ['docker.io/library/x:1'], config }, layers);
  expect(found.map(({ Id, CreatedBy, Size, Tags }) => [Id, CreatedBy, Size, Tags])).toEqual([
    [DIGEST, 'RUN', 20, ['x:1']],
    ['<missing>', 'CMD', 0, null],
    ['<missing>', 'ADD', 10, null],
  ]);
});

describe('a stream of lines', () => {
  const open = () => {
    const sent: string[] = [];
    const response = Object.assign(new EventEmitter(), {
      destroyed: false,
      writableNeedDrain: false,
      write: (text: string) => sent.push(text),
      end: () => sent.push('END'),
    });
    return { sent, response, call: { stream: () => response as unknown as ServerResponse } };
  };

  it('throws what fails before its first line, and tells what fails later', async () => {
    const { sent, call } = open();
    await expect(streamed(call, () => Promise.reject(notFound('no')))).rejects.toThrow('no');
    expect(sent).toEqual([]);
    await streamed(call, async ({ send }) => {
      send({ status: 'begun' });
      throw notFound('no');
    });
    expect(sent).toEqual(['{"status":"begun"}\r\n', '{"errorDetail":{"message":"no"},"error":"no"}\r\n', 'END']);
  });

  it('leaves progress out while the client does not read', async () => {
    const { sent, response, call } = open();
    await streamed(call, async ({ send, progress }) => {
      send({ status: 'begun' });
      response.writableNeedDrain = true;
      progress({ status: 'passing' });
      send({ status: 'last' });
    });
    expect(sent).toEqual(['{"status":"begun"}\r\n', '{"status":"last"}\r\n', 'END']);
  });

  it('a body that is given up stays open', async () => {
    const body = new PassThrough();
    body.write('a');
    const borrowed = lent(body);
    for await (const _ of borrowed) break;
    expect(borrowed.destroyed).toBe(true);
    expect(body.destroyed).toBe(false);
  });
});
