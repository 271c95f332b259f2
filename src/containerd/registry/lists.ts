/** Lists that a registry gives page by page: tags, repositories, and what refers to an image. */
import { invalidArgument } from '../errors.ts';
import { checkDescriptor, type Descriptor } from './descriptor.ts';
import { discard, type Incoming, readBody } from './http-request.ts';
import { MAX_MANIFEST } from './manifest.ts';
import { pullScope } from './manifests.ts';
import type { Registry } from './registry.ts';

const MAX_PAGE = 4 << 20;
/** A registry whose pages never end is broken or wants our memory. */
const MAX_PAGES = 10_000;

/** The `next` of a Link header. @see https://www.rfc-editor.org/rfc/rfc8288 */
export function nextPage(header: string | undefined): string | undefined {
  for (const [, target, parameters] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^,;]+)*)/g)) {
    if (/;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters ?? '')) return target;
  }
  return undefined;
}

async function parsePage(incoming: Incoming, limit: number): Promise<Record<string, unknown>> {
  const text = (await readBody(incoming, limit)).toString();
  try {
    return JSON.parse(text);
  } catch {
    throw invalidArgument(`${incoming.url.pathname}: the list is not JSON`);
  }
}

/** All pages of a list, one name after the other. */
async function* names(registry: Registry, path: string, key: string, scopes: string[], why: string): AsyncGenerator<string> {
  const base = await registry.base();
  let next: string | URL = path;
  for (let page = 0; page < MAX_PAGES; page++) {
    const incoming = await registry.call({ method: 'GET', path: next, scopes, accept: [200], why });
    const list = (await parsePage(incoming, MAX_PAGE))[key] ?? [];
    if (!Array.isArray(list)) throw invalidArgument(`${path}: ${key} is not a list`);
    yield* list.map(String);
    const link = nextPage(incoming.headers.link === undefined ? undefined : String(incoming.headers.link));
    if (link === undefined) return;
    const url = new URL(link, incoming.url);
    if (url.host !== base.host) throw invalidArgument(`${path}: the next page is at another host, ${url.host}`);
    next = url;
  }
  throw invalidArgument(`${path}: more than ${MAX_PAGES} pages`);
}

/** @param size how many the registry should give at once */
export const listTags = (registry: Registry, repository: string, size = 1000): AsyncGenerator<string> =>
  names(registry, `/v2/${repository}/tags/list?n=${size}`, 'tags', [pullScope(repository)], 'which tags are there?');

/** Every repository of the registry, where it tells. */
export const listRepositories = (registry: Registry, size = 1000): AsyncGenerator<string> =>
  names(registry, `/v2/_catalog?n=${size}`, 'repositories', ['registry:catalog:*'], 'which repositories are there?');

/** Manifests whose subject is this one: signatures, lists of materials. Empty where the registry does not know the question. */
export async function listReferrers(registry: Registry, repository: string, digest: string): Promise<Descriptor[]> {
  const path = `/v2/${repository}/referrers/${digest}`;
  const incoming = await registry.call({
    method: 'GET',
    path,
    scopes: [pullScope(repository)],
    accept: [200, 404],
    why: 'what refers to it?',
  });
  if (incoming.status === 404) {
    await discard(incoming);
    return [];
  }
  const { manifests } = await parsePage(incoming, MAX_MANIFEST);
  if (!Array.isArray(manifests)) throw invalidArgument(`${path}: manifests is not a list`);
  return manifests.map((entry, i) => checkDescriptor(entry, `${path}: manifests[${i}]`));
}
