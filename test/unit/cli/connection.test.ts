import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { isRootfs } from '../../../src/cli/commands/run.ts';
import { addressOf, OWN_SOCKET, parseUrl } from '../../../src/cli/docker/connect/address.ts';
import { endpointOf, readConfig, writeConfig } from '../../../src/cli/docker/connect/docker-config.ts';
import { type AnswerError, answerOf } from '../../../src/cli/docker/connect/failed.ts';
import { filtersOf } from '../../../src/cli/docker/connect/request.ts';
import { credentialsFor, forgetCredentials, keepCredentials, registryAuth } from '../../../src/cli/docker/credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'minirun-client-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const address = (env: Record<string, string>, given: { host?: string; contextName?: string } = {}) =>
  addressOf({ ...given, env, endpointOf: (name) => ({ url: `unix:///context/${name}` }), certificatesIn: (at) => ({ ca: at }) });

describe('where the daemon is', () => {
  it('is our own socket, unless something is said', () => {
    expect(address({})).toEqual({ url: `unix://${OWN_SOCKET}`, socketPath: OWN_SOCKET, given: false });
    expect(address({ DOCKER_CONTEXT: 'default' }).given).toBe(false);
  });
  it('-H before --context before DOCKER_HOST before DOCKER_CONTEXT', () => {
    const env = { DOCKER_HOST: 'unix:///env', DOCKER_CONTEXT: 'c' };
    expect(address(env, { host: 'unix:///flag' }).socketPath).toBe('/flag');
    expect(address(env, { contextName: 'x' }).socketPath).toBe('/context/x');
    expect(address(env).socketPath).toBe('/env');
    expect(address({ DOCKER_CONTEXT: 'c' }).socketPath).toBe('/context/c');
    expect(address(env, { contextName: 'default' })).toMatchObject({ socketPath: OWN_SOCKET });
    expect(() => address({}, { host: 'unix:///a', contextName: 'b' })).toThrow(/either specify --host or --context/);
  });
  it('tcp, TLS and ssh', () => {
    expect(parseUrl('tcp://127.0.0.1:2375')).toMatchObject({ host: '127.0.0.1', port: 2375 });
    expect(parseUrl('127.0.0.1')).toMatchObject({ host: '127.0.0.1', port: 2375 });
    expect(parseUrl('tcp://[::1]:99')).toMatchObject({ host: '::1', port: 99 });
    expect(address({ DOCKER_HOST: 'tcp://d:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }).tls).toEqual({ ca: '/certs' });
    expect(parseUrl('ssh://me@machine:22').ssh).toEqual(['-l', 'me', '-p', '22', '--', 'machine']);
  });
  it.each(['unix://', 'unix://relative', 'ftp://x', 'tcp://a b', 'ssh://-oProxyCommand=x', 'tcp://h:999999'])('%s is refused', (url) => {
    expect(() => parseUrl(url)).toThrow(/unable to parse docker host/);
  });
});

describe("Docker's own files", () => {
  it('a context is found by the digest of its name', () => {
    const at = join(folder, 'contexts', 'meta', createHash('sha256').update('far').digest('hex'));
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'meta.json'), JSON.stringify({ Name: 'far', Endpoints: { docker: { Host: 'ssh://far' } } }));
    expect(endpointOf('far', folder)).toEqual({ url: 'ssh://far' });
    expect(() => endpointOf('near', folder)).toThrow(/context "near": context not found/);
  });
  it('passwords are kept as Docker keeps them, closed to others, and forgotten', async () => {
    vi.stubEnv('DOCKER_CONFIG', join(folder, 'config'));
    writeConfig({ other: 'stays' });
    expect(await credentialsFor('host:5000')).toBeUndefined();
    expect(Buffer.from(await registryAuth('host:5000'), 'base64').toString()).toBe('{}');
    await keepCredentials({ username: 'me', password: 'a:b', serveraddress: 'host:5000' });
    await keepCredentials({ username: 'me', password: 'hub', serveraddress: 'https://index.docker.io/v1/' });
    expect(readConfig()).toMatchObject({ other: 'stays', auths: { 'host:5000': { auth: Buffer.from('me:a:b').toString('base64') } } });
    expect(statSync(join(folder, 'config', 'config.json')).mode & 0o777).toBe(0o600);
    expect(await credentialsFor('host:5000')).toEqual({ username: 'me', password: 'a:b', serveraddress: 'host:5000' });
    expect((await credentialsFor('docker.io'))?.password).toBe('hub');
    // Go's decoder wants the padding.
    expect((await registryAuth('docker.io')).length % 4).toBe(0);
    expect(await forgetCredentials('host:5000')).toBe(true);
    expect(await forgetCredentials('host:5000')).toBe(false);
    expect(readConfig().other).toBe('stays');
  });
  it('a credential helper is asked where there is one', async () => {
    vi.stubEnv('DOCKER_CONFIG', join(folder, 'helped'));
    const helper = join(folder, 'docker-credential-test');
    writeFileSync(helper, `#!/bin/sh\nread server\necho "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$1\\",\\"Secret\\":\\"s\\"}"\n`, {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    writeConfig({ credHelpers: { 'host:5000': 'test' } });
    expect(await credentialsFor('host:5000')).toEqual({ username: 'get', password: 's', serveraddress: 'host:5000' });
  });
});

it('a path is a root file system, a name an image', () => {
  mkdirSync(join(folder, 'rootfs'));
  const before = process.cwd();
  process.chdir(folder);
  try {
    for (const path of ['/x', './x', '../x', '.', '..', 'rootfs', 'x.tar', 'a/b.tar.gz'])
      expect([path, isRootfs(path, false)]).toEqual([path, true]);
    for (const name of ['busybox', 'user/image:1', 'host:5000/a', '.hidden', '...'])
      expect([name, isRootfs(name, false)]).toEqual([name, false]);
    // With a daemon that was named, only what looks like a path is one.
    expect([isRootfs('rootfs', true), isRootfs('./rootfs', true)]).toEqual([false, true]);
  } finally {
    process.chdir(before);
  }
});

it("the daemon's words are told without those of docker-modem", () => {
  const error = (json: unknown, message: string, reason?: string) =>
    Object.assign(new Error(message), { statusCode: 404, json, reason }) as AnswerError;
  expect(answerOf(error({ message: 'No such container: x\n' }, 'whatever'))).toBe('No such container: x');
  expect(answerOf(error(null, '(HTTP code 404) no such thing - gone ', 'no such thing'))).toBe('gone');
  expect(answerOf(error(null, '(HTTP code 404) unexpected - page not found '))).toBe('page not found');
});

it('filters', () => {
  expect(filtersOf(['label=a=b', 'label=c', 'status=exited'])).toEqual({ label: ['a=b', 'c'], status: ['exited'] });
  expect(filtersOf([])).toBeUndefined();
});
