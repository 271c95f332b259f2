/**
 * A conversation with one registry: finds out whether it speaks TLS, proves who we are when asked,
 * and tries again what failed for a reason that passes.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
import { unavailable } from '../errors.ts';
import { createAuthorizer } from './authorizer.ts';
import { parseChallenges } from './challenge.ts';
import { speaksOther, withHint } from './connection-failure.ts';
import { type Agents, closeAgents, discard, type Incoming, type Outgoing, openAgents, shownUrl } from './http-request.ts';
import { isLoopback } from './loopback.ts';
import { proxiesOf } from './proxy.ts';
import { follow } from './redirect.ts';
import { errorOf } from './registry-error.ts';
import { persist, RETRIES, type RetryPolicy, retryAfter } from './retry.ts';
import { isInsecure, type RegistrySettings, tlsOf } from './settings.ts';

export interface Call {
  method: string;
  /** from the root, `/v2/…`; or a whole URL that the registry itself has given */
  path: string | URL;
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** makes the body anew for each try */
  stream?: () => NonNullable<Outgoing['body']>;
  /** what a token must allow: `repository:library/busybox:pull` */
  scopes?: readonly string[];
  /** statuses that the caller understands; all others are thrown */
  accept: readonly number[];
  /** one phrase for the reader: what it is for */
  why: string;
  signal?: AbortSignal;
  /** how often it is tried; the registry's own policy when not given */
  attempts?: number;
}

export interface Registry {
  /** host and port as the person wrote it; `registry-1.docker.io` for Docker Hub */
  readonly host: string;
  readonly retry: RetryPolicy;
  /**
   * Sends a request and gives its answer, whose body the caller must read or destroy.
   * @throws RegistryError for a status that is not among those accepted
   */
  call(call: Call): Promise<Incoming>;
  /** Where the registry answers; asks it for the first time if need be. */
  base(): Promise<URL>;
  close(): void;
}

/**
 * @param where host, host:port, or the URL of a mirror (which may have a path)
 * Nothing is sent before the first call. Close it in the end: it keeps connections.
 */
export function openRegistry(where: string, settings: RegistrySettings = {}): Registry {
  const given = /^https?:\/\//.test(where) ? new URL(where) : undefined;
  const host = given?.host ?? where;
  const retry = settings.retry ?? RETRIES;
  const agents: Agents = openAgents(tlsOf(host, settings), settings.proxies ?? proxiesOf(process.env), settings.patience);

  const ask = async (outgoing: Outgoing, why: string): Promise<Incoming> => {
    const began = performance.now();
    const incoming = await follow(agents, outgoing);
    settings.observe?.({
      method: outgoing.method,
      url: shownUrl(outgoing.url),
      status: incoming.status,
      milliseconds: performance.now() - began,
      why,
    });
    return incoming;
  };

  /** Is this a registry of version 2? Its answer also tells how it wants to be spoken to. */
  const ping = async (url: URL, signal?: AbortSignal): Promise<Incoming> => {
    const incoming = await ask(
      { method: 'GET', url: new URL('v2/', url), ...(signal && { signal }) },
      'is there a registry, and what does it want to know?',
    );
    await discard(incoming);
    return incoming;
  };

  const schemes = given
    ? [given.protocol]
    : isLoopback(host)
      ? ['http:', 'https:']
      : isInsecure(host, settings.insecure)
        ? ['https:', 'http:']
        : ['https:'];

  const find = async (signal?: AbortSignal) => {
    for (const [i, scheme] of schemes.entries()) {
      const url = given ? new URL(given.href.replace(/\/?$/, '/')) : new URL(`${scheme}//${host}/`);
      try {
        const { status, headers } = await ping(url, signal);
        // Go's servers answer plain HTTP on a TLS port with 400.
        if (scheme === 'http:' && status === 400 && i + 1 < schemes.length) continue;
        const authorizer = createAuthorizer(url, settings.credentials?.(given ? host : hostOfCredentials(host)), ask);
        if (status === 401) authorizer.challenged(parseChallenges(headers['www-authenticate'] ?? ''), undefined);
        return { url, authorizer };
      } catch (error) {
        if (i + 1 === schemes.length || !speaksOther(error)) throw withHint(error, host);
      }
    }
    throw unavailable(`${host} speaks neither HTTP nor HTTPS`);
  };

  let finding: ReturnType<typeof find> | undefined;
  const found = async () => {
    finding ??= persist(() => find(), retry);
    try {
      return await finding;
    } catch (error) {
      finding = undefined;
      throw error;
    }
  };

  /** Once with what we have to show; once more if the registry asks for it. */
  const once = async (call: Call): Promise<Incoming> => {
    const { url: base, authorizer } = await found();
    const url = call.path instanceof URL ? call.path : new URL(call.path.replace(/^\//, ''), base);
    const own = url.host === base.host && url.protocol === base.protocol;
    for (let turn = 0; ; turn++) {
      const authorization = own ? await authorizer.header(call.scopes ?? [], call.signal) : undefined;
      const body = call.stream?.() ?? call.body;
      const headers = { ...call.headers, ...(authorization !== undefined && { Authorization: authorization }) };
      const incoming = await ask(
        { method: call.method, url, headers, ...(body && { body }), ...(call.signal && { signal: call.signal }) },
        call.why,
      );
      const challenges = parseChallenges(incoming.headers['www-authenticate'] ?? '');
      if (incoming.status !== 401 || turn > 0 || !own || !authorizer.challenged(challenges, authorization)) return incoming;
      await discard(incoming);
    }
  };

  return {
    host,
    retry,
    base: async () => (await found()).url,
    call: (call) => {
      const policy = { ...retry, ...(call.attempts !== undefined && { attempts: call.attempts }) };
      return persist(
        async () => {
          const incoming = await once(call);
          if (call.accept.includes(incoming.status)) return incoming;
          const asked = retryAfter(incoming.headers['retry-after']);
          throw Object.assign(await errorOf(call.method, incoming), { asked });
        },
        policy,
        call.signal,
      );
    },
    close: () => closeAgents(agents),
  };
}

/** Docker Hub's registry has another name than the one that people log in to. */
const hostOfCredentials = (host: string) => (host === 'registry-1.docker.io' ? 'docker.io' : host);
