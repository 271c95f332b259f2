/** Requests that follow redirects: registries keep their blobs elsewhere, on a storage host. */
import { type Agents, discard, exchange, type Incoming, type Outgoing, shownUrl } from './http-request.ts';

const MAX_REDIRECTS = 10;
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status);

/** Host and port as the connection sees them; http and https of one host are two. */
const sameOrigin = (a: URL, b: URL) => a.protocol === b.protocol && a.host === b.host;

/**
 * As {@link exchange}, following redirects of requests without a body.
 * What proves who we are stays with the host that it was meant for (CVE-2020-15157), also after a
 * redirect back: the way there led through a stranger.
 */
export async function follow(agents: Agents, outgoing: Outgoing): Promise<Incoming> {
  let { url, headers } = outgoing;
  for (let hops = 0; ; hops++) {
    const incoming = await exchange(agents, { ...outgoing, url, ...(headers && { headers }) });
    const { location } = incoming.headers;
    if (!isRedirect(incoming.status) || location === undefined || outgoing.body !== undefined) return incoming;
    await discard(incoming);
    if (hops === MAX_REDIRECTS) throw new Error(`${outgoing.method} ${shownUrl(outgoing.url)}: stopped after ${MAX_REDIRECTS} redirects`);
    if (!URL.canParse(location, url.href))
      throw new Error(`${outgoing.method} ${shownUrl(url)}: redirect to ${JSON.stringify(location)}, which is no URL`);
    const next = new URL(location, url);
    if (!sameOrigin(url, next)) {
      headers = Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => !CREDENTIALS.has(name.toLowerCase())));
    }
    url = next;
  }
}
