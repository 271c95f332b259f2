/** Passwords for registries, where Docker's client keeps them: config.json, or a program that keeps them safer. */
import { spawn } from 'node:child_process';
import { type DockerConfig, readConfig, writeConfig } from './connect/docker-config.ts';
import { CommandFailed } from './connect/failed.ts';

export interface Credentials {
  username: string;
  password: string;
  serveraddress: string;
  identitytoken?: string;
}

/** What Docker Hub is called in config.json. */
export const HUB = 'https://index.docker.io/v1/';

/** `docker.io` → its key; all others are their own. */
export const serverOf = (registry: string): string => (registry === 'docker.io' || registry === 'index.docker.io' ? HUB : registry);

/** `https://HOST/v1/` and `HOST` are the same registry. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

const helperOf = (config: DockerConfig, server: string): string | undefined =>
  config.credHelpers?.[hostOf(server)] ?? (config.credsStore || undefined);

/** docker-credential-NAME VERB, which reads and writes JSON. @throws CommandFailed */
function callHelper(name: string, verb: 'get' | 'store' | 'erase', input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(`docker-credential-${name}`, [verb], { stdio: ['pipe', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.on('error', (error) =>
      reject(new CommandFailed(`docker-credential-${name}, which ~/.docker/config.json names: ${error.message}`)),
    );
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new CommandFailed(`error getting credentials: docker-credential-${name}: ${out.trim()}`)),
    );
    child.stdin.on('error', () => undefined).end(input);
  });
}

/** What is kept for a registry, or undefined. */
export async function credentialsFor(registry: string, config = readConfig()): Promise<Credentials | undefined> {
  const server = serverOf(registry);
  const helper = helperOf(config, server);
  if (helper !== undefined) {
    try {
      const found = JSON.parse(await callHelper(helper, 'get', server)) as { Username: string; Secret: string };
      if (found.Username === '<token>') return { username: '', password: '', serveraddress: server, identitytoken: found.Secret };
      return { username: found.Username, password: found.Secret, serveraddress: server };
    } catch (error) {
      if (/credentials not found/.test((error as Error).message)) return undefined;
      throw error;
    }
  }
  const auths = config.auths ?? {};
  const key = Object.hasOwn(auths, server) ? server : Object.keys(auths).find((other) => hostOf(other) === hostOf(server));
  const entry = key === undefined ? undefined : auths[key];
  if (!entry) return undefined;
  const [username = '', ...password] = Buffer.from(entry.auth ?? '', 'base64')
    .toString()
    .split(':');
  return {
    username: entry.username ?? username,
    password: entry.password ?? password.join(':'),
    serveraddress: server,
    ...(entry.identitytoken ? { identitytoken: entry.identitytoken } : {}),
  };
}

/** The header X-Registry-Auth; `{}` for nobody. In Go's URL encoding, which unlike Node's has = at its end. */
export async function registryAuth(registry: string): Promise<string> {
  const credentials = await credentialsFor(registry);
  return Buffer.from(JSON.stringify(credentials ?? {}))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** @returns what the person should know of how it is kept, if anything */
export async function keepCredentials(credentials: Credentials): Promise<string | undefined> {
  const config = readConfig();
  const { serveraddress, username, password, identitytoken } = credentials;
  const helper = helperOf(config, serveraddress);
  if (helper !== undefined) {
    const stored = identitytoken ? { Username: '<token>', Secret: identitytoken } : { Username: username, Secret: password };
    await callHelper(helper, 'store', JSON.stringify({ ServerURL: serveraddress, ...stored }));
    writeConfig({ ...config, auths: { ...config.auths, [serveraddress]: {} } });
    return undefined;
  }
  const auth = Buffer.from(`${username}:${identitytoken ? '' : password}`).toString('base64');
  writeConfig({ ...config, auths: { ...config.auths, [serveraddress]: { auth, ...(identitytoken ? { identitytoken } : {}) } } });
  return 'the password is kept unencrypted in ~/.docker/config.json; a credential helper (credsStore) would keep it safer';
}

/** @returns false when there was nothing to forget */
export async function forgetCredentials(registry: string): Promise<boolean> {
  const config = readConfig();
  const server = serverOf(registry);
  const helper = helperOf(config, server);
  const keys = Object.keys(config.auths ?? {}).filter((key) => key === server || hostOf(key) === hostOf(server));
  if (helper !== undefined) await callHelper(helper, 'erase', server).catch(() => undefined);
  if (keys.length === 0) return false;
  const auths = { ...config.auths };
  for (const key of keys) delete auths[key];
  writeConfig({ ...config, auths });
  return true;
}
