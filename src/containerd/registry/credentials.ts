/** Who we are to a registry: as given, or as `docker login` left it in config.json. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Credentials {
  username?: string;
  password?: string;
  /** a refresh token, in place of the password */
  identityToken?: string;
  /** a bearer token that is sent as it is */
  registryToken?: string;
}

/** @returns undefined for a registry that is asked as nobody */
export type CredentialsOf = (host: string) => Credentials | undefined;

interface DockerConfig {
  auths?: Record<string, { auth?: string; username?: string; password?: string; identitytoken?: string; registrytoken?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
}

/** Docker Hub is filed under the address of its first version. */
const HUB = 'https://index.docker.io/v1/';
const HUB_HOSTS = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

const bareHost = (key: string) => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

/** `user:password` in base64. A NUL at the end was put there by old versions of Docker. */
function decodeAuth(auth: string): Pick<Credentials, 'username' | 'password'> | undefined {
  const text = Buffer.from(auth, 'base64').toString().replace(/\0+$/, '');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Asks a helper program, as `docker` does. @see https://github.com/docker/docker-credential-helpers */
function askHelper(name: string, server: string): Credentials | undefined {
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return undefined;
  const ran = spawnSync(`docker-credential-${name}`, ['get'], { input: server, encoding: 'utf8', timeout: 30_000 });
  if (ran.status !== 0) return undefined;
  const { Username, Secret } = JSON.parse(ran.stdout) as { Username: string; Secret: string };
  return Username === '<token>' ? { identityToken: Secret } : { username: Username, password: Secret };
}

/** Credentials by host from the text of a Docker config.json. */
export function parseDockerConfig(text: string): CredentialsOf {
  const config = JSON.parse(text) as DockerConfig;
  return (host) => {
    const hub = HUB_HOSTS.has(host);
    const server = hub ? HUB : host;
    const helper = config.credHelpers?.[hub ? 'docker.io' : host] ?? config.credHelpers?.[server] ?? config.credsStore;
    if (helper) return askHelper(helper, server);
    const entries = Object.entries(config.auths ?? {});
    const found =
      entries.find(([key]) => key === server) ?? entries.find(([key]) => (hub ? HUB_HOSTS.has(bareHost(key)) : bareHost(key) === host));
    if (found === undefined) return undefined;
    const { auth, username, password, identitytoken, registrytoken } = found[1];
    return {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(auth && decodeAuth(auth)),
      ...(identitytoken && { identityToken: identitytoken }),
      ...(registrytoken && { registryToken: registrytoken }),
    };
  };
}

/** Those of $DOCKER_CONFIG, or of ~/.docker. No file means nobody. @throws when the file cannot be read as JSON */
export function dockerCredentials(folder = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker')): CredentialsOf {
  const path = join(folder, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return () => undefined;
    throw error;
  }
  try {
    return parseDockerConfig(text);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}
