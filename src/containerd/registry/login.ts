/** Are these credentials good? What `docker login` asks before it keeps them. */
import { Code, ConnectError } from '@connectrpc/connect';
import type { Credentials } from './credentials.ts';
import { discard } from './http-request.ts';
import { registryHost } from './reference.ts';
import { openRegistry } from './registry.ts';
import { isStatus } from './registry-error.ts';
import type { RegistrySettings } from './settings.ts';

/**
 * Shows the credentials to the registry.
 * @param domain as people write it: `docker.io`, `localhost:5000`
 * @throws unauthenticated when it does not take them
 */
export async function login(domain: string, credentials: Credentials, settings: RegistrySettings = {}): Promise<void> {
  const registry = openRegistry(registryHost(domain), { ...settings, credentials: () => credentials });
  try {
    await discard(await registry.call({ method: 'GET', path: '/v2/', accept: [200], why: 'does it know these credentials?' }));
  } catch (error) {
    const refused = isStatus(error, 401) || (error instanceof ConnectError && error.code === Code.Unauthenticated);
    if (!refused) throw error;
    // The words that Docker has for the two: the registry's own refusal, and that of its token server.
    const url = `${await registry.base()}v2/`;
    const text = isStatus(error, 401)
      ? `login attempt to ${url} failed with status: 401 Unauthorized`
      : `Get ${JSON.stringify(url)}: unauthorized: incorrect username or password`;
    throw new ConnectError(text, Code.Unauthenticated, undefined, undefined, error);
  } finally {
    registry.close();
  }
}
