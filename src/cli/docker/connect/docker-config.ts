/** The files of Docker's client: ~/.docker/config.json and the contexts beside it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../usage-error.ts';
import type { Endpoint, Tls } from './address.ts';

/** What is read of config.json; what else it holds is kept when it is written. */
export interface DockerConfig {
  auths?: Record<string, { auth?: string; identitytoken?: string; username?: string; password?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  detachKeys?: string;
  psFormat?: string;
  imagesFormat?: string;
  [other: string]: unknown;
}

export const configFolder = (): string => process.env.DOCKER_CONFIG || join(homedir(), '.docker');

/** @throws UsageError when it is no JSON */
export function readConfig(folder = configFolder()): DockerConfig {
  const path = join(folder, 'config.json');
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as DockerConfig;
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}; mend the file, or move it away`);
  }
}

/** Whole and closed to others from its first moment on: it may hold passwords. */
export function writeConfig(config: DockerConfig, folder = configFolder()): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'config.json');
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(config, null, '\t')}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

const readIfThere = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** ca.pem, cert.pem and key.pem of a folder, as many as there are. */
export const certificatesIn = (folder: string): Tls => ({
  ca: readIfThere(join(folder, 'ca.pem')),
  cert: readIfThere(join(folder, 'cert.pem')),
  key: readIfThere(join(folder, 'key.pem')),
});

/** A context is a folder that is named by the digest of its name. @throws UsageError when there is none */
export function endpointOf(name: string, folder = configFolder()): Endpoint {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = readIfThere(join(folder, 'contexts', 'meta', id, 'meta.json'));
  if (meta === undefined) throw new UsageError(`context "${name}": context not found: there is none of that name in ${folder}/contexts`);
  const parsed = JSON.parse(meta) as { Endpoints?: { docker?: { Host?: string } } };
  const url = parsed.Endpoints?.docker?.Host;
  if (!url) throw new UsageError(`context "${name}": it has no docker endpoint`);
  const tls = join(folder, 'contexts', 'tls', id, 'docker');
  return { url, ...(existsSync(tls) && readdirSync(tls).length > 0 ? { tls: certificatesIn(tls) } : {}) };
}
