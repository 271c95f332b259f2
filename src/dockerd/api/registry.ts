/** Questions to registries that are about no image here: login, search, what a name stands for there. */
import { login } from '../../containerd/registry/login.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { filters, integer } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { registryError } from '../image/connection-words.ts';
import { inspectDistribution } from '../image/distribution.ts';
import { completeName } from '../image/reference.ts';
import { AUTH_CONFIG, credentialsOf, registrySettings, requestCredentials } from '../image/registry-settings.ts';
import { SEARCH_FILTERS, searchImages } from '../image/search.ts';

/** The host of an address: Docker Hub's is written https://index.docker.io/v1/. */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

export function registryRoutes(daemon: Daemon): Route[] {
  const settings = registrySettings(daemon.options);
  return [
    route('POST', '/auth', async (call) => {
      const given = await call.json(AUTH_CONFIG);
      const credentials = credentialsOf(given);
      if (!credentials) throw badRequest('a user name and a password, or an identity token, must be given');
      try {
        await login(domainOf(given.serveraddress ?? ''), credentials, settings);
      } catch (error) {
        throw registryError(error);
      }
      call.reply(200, { Status: 'Login Succeeded', IdentityToken: credentials.identityToken ?? '' });
    }),
    route('GET', '/images/search', async (call) => {
      const term = call.query.get('term') ?? '';
      if (term === '') throw badRequest('the parameter term is missing');
      const wanted = { term, limit: integer(call.query, 'limit'), filters: filters(call.query, SEARCH_FILTERS) };
      call.reply(200, await searchImages({ ...wanted, credentials: requestCredentials(call.request), settings }));
    }),
    route('GET', '/distribution/{name...}/json', async (call) => {
      const reference = completeName(call.params.name as string);
      call.reply(200, await inspectDistribution(reference, settings, requestCredentials(call.request)));
    }),
  ];
}
