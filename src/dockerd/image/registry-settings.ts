/** How registries are reached, from the daemon's options; and who asks, from a request's header. */
import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import type { Credentials } from '../../containerd/registry/credentials.ts';
import { RETRIES } from '../../containerd/registry/retry.ts';
import { isInsecure, type RegistrySettings } from '../../containerd/registry/settings.ts';
import { headerJson } from '../http/body.ts';
import { text } from '../http/fields.ts';
import type { DaemonOptions } from '../options.ts';

/** Where Docker looks for certificates of registries. */
const CERTIFICATES = '/etc/docker/certs.d';

/**
 * The daemon itself logs in nowhere: each request says who asks.
 * @throws for mirrors and insecure registries that are none, so that the daemon does not start with them
 */
export function registrySettings({ registryMirrors, insecureRegistries, transfers }: DaemonOptions): RegistrySettings {
  for (const mirror of registryMirrors) {
    if (!/^https?:/.test(mirror) || !URL.canParse(mirror)) throw new Error(`registry-mirror ${mirror}: must be a URL of http or https`);
  }
  // Looks at every entry.
  isInsecure('registry.invalid', insecureRegistries);
  return {
    mirrors: registryMirrors,
    insecure: insecureRegistries,
    certificates: CERTIFICATES,
    retry: { ...RETRIES, attempts: transfers.attempts },
  };
}

export const AUTH_CONFIG = v.object({
  username: text,
  password: text,
  /** `username:password` in base64: in place of the two. */
  auth: text,
  serveraddress: text,
  identitytoken: text,
  registrytoken: text,
});

export type AuthConfig = v.InferOutput<typeof AUTH_CONFIG>;

/** @returns undefined for somebody without a name */
export function credentialsOf({ username, password, auth, identitytoken, registrytoken }: AuthConfig): Credentials | undefined {
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(auth ? Buffer.from(auth, 'base64').toString() : '') ?? [];
  const name = username || user;
  const found: Credentials = {
    ...(name ? { username: name, password: password || secret || '' } : {}),
    ...(identitytoken ? { identityToken: identitytoken } : {}),
    ...(registrytoken ? { registryToken: registrytoken } : {}),
  };
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Those of X-Registry-Auth. What cannot be read counts as nobody, as in Docker. */
export function requestCredentials(request: IncomingMessage): Credentials | undefined {
  const parsed = v.safeParse(AUTH_CONFIG, headerJson(request, 'X-Registry-Auth') ?? {});
  return parsed.success ? credentialsOf(parsed.output) : undefined;
}
