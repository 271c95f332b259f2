/** `docker search`. */
import type { Credentials } from '../../containerd/registry/credentials.ts';
import { type SearchResult, search } from '../../containerd/registry/search.ts';
import type { RegistrySettings } from '../../containerd/registry/settings.ts';
import { badRequest } from '../http/api-error.ts';
import { booleanFilter, type Filters } from '../http/query.ts';
import { registryError } from './connection-words.ts';

export const SEARCH_FILTERS = ['is-automated', 'is-official', 'stars'] as const;

const LIMIT = { otherwise: 25, most: 100 };

export interface SearchRequest {
  term: string;
  limit: number | undefined;
  filters: Filters;
  credentials?: Credentials | undefined;
  settings: RegistrySettings;
}

/** The part before a slash is a registry if it looks like a host. */
function splitTerm(term: string): [domain: string, name: string] {
  if (term.includes('://')) throw badRequest(`invalid repository name: repository name (${term}) should not have a scheme`);
  const slash = term.indexOf('/');
  const first = term.slice(0, Math.max(0, slash));
  if (slash < 0 || !(/[.:]/.test(first) || first === 'localhost')) return ['docker.io', term.replace(/^library\//, '')];
  return [first === 'index.docker.io' ? 'docker.io' : first, term.slice(slash + 1)];
}

/** @throws 400; 501 for a registry without search; 500 when it cannot be reached */
export async function searchImages({ term, limit, filters, credentials, settings }: SearchRequest): Promise<SearchResult[]> {
  const most = limit || LIMIT.otherwise;
  if (most < 1 || most > LIMIT.most) throw badRequest(`limit ${most} is outside the range of [1, ${LIMIT.most}]`);
  const official = booleanFilter(filters, 'is-official');
  const automated = booleanFilter(filters, 'is-automated');
  const stars = (filters.get('stars') ?? []).map((text) => {
    if (!/^\d+$/.test(text)) throw badRequest(`invalid filter 'stars=[${text}]'`);
    return Number(text);
  });
  const [domain, name] = splitTerm(term);
  const known = credentials ? { ...settings, credentials: (host: string) => (host === domain ? credentials : undefined) } : settings;
  const found = await search(domain, name, most, known).catch((error: unknown) => {
    throw registryError(error);
  });
  return found.filter(
    ({ is_official, is_automated, star_count }) =>
      (official === undefined || official === is_official) &&
      (automated === undefined || automated === is_automated) &&
      stars.every((wanted) => star_count >= wanted),
  );
}
