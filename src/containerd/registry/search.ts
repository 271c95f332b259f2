/**
 * Searching for repositories: the one thing of the registry's first version that is still asked for.
 * Docker Hub offers it; registries of version 2 do not.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { speaksOther } from './connection-failure.ts';
import { closeAgents, discard, openAgents, readBody, shownUrl } from './http-request.ts';
import { isLoopback } from './loopback.ts';
import { proxiesOf } from './proxy.ts';
import { follow } from './redirect.ts';
import { errorOf } from './registry-error.ts';
import { isInsecure, type RegistrySettings, tlsOf } from './settings.ts';

export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}

const MAX_ANSWER = 4 << 20;

/** Docker Hub's repositories are found at another host than the one that has them. */
const searchHost = (domain: string): string => (domain === 'docker.io' ? 'index.docker.io' : domain);

function resultOf(value: unknown): SearchResult[] {
  const { name, description, star_count, is_official, is_automated } = (value ?? {}) as Partial<SearchResult>;
  if (typeof name !== 'string') return [];
  return [
    {
      name,
      description: typeof description === 'string' ? description : '',
      star_count: Number(star_count) || 0,
      is_official: is_official === true,
      is_automated: is_automated === true,
    },
  ];
}

async function ask(url: URL, host: string, settings: RegistrySettings): Promise<SearchResult[]> {
  const agents = openAgents(tlsOf(host, settings), settings.proxies ?? proxiesOf(process.env), settings.patience);
  const known = settings.credentials?.(host === 'index.docker.io' ? 'docker.io' : host);
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (known?.username !== undefined)
    headers.Authorization = `Basic ${Buffer.from(`${known.username}:${known.password ?? ''}`).toString('base64')}`;
  try {
    const incoming = await follow(agents, { method: 'GET', url, headers });
    if (incoming.status === 404 || incoming.status === 405) {
      await discard(incoming);
      throw new ConnectError(
        `search: ${host} offers none (${incoming.status} for ${shownUrl(url)}); Docker Hub does, most registries do not`,
        Code.Unimplemented,
      );
    }
    if (incoming.status !== 200) throw await errorOf('GET', incoming);
    const { results } = JSON.parse((await readBody(incoming, MAX_ANSWER)).toString()) as { results?: unknown };
    return Array.isArray(results) ? results.flatMap(resultOf) : [];
  } finally {
    closeAgents(agents);
  }
}

/**
 * @param domain as people write it: `docker.io`
 * @param limit results at most
 * @throws not implemented by a registry that has no search
 */
export async function search(domain: string, term: string, limit: number, settings: RegistrySettings = {}): Promise<SearchResult[]> {
  const host = searchHost(domain);
  const schemes = isLoopback(host) ? ['http', 'https'] : isInsecure(host, settings.insecure) ? ['https', 'http'] : ['https'];
  const query = new URLSearchParams({ q: term, n: String(limit) });
  for (const [i, scheme] of schemes.entries()) {
    try {
      return await ask(new URL(`${scheme}://${host}/v1/search?${query}`), host, settings);
    } catch (error) {
      if (i + 1 === schemes.length || !speaksOther(error)) throw error;
    }
  }
  return [];
}
