/**
 * One HTTP request and its answer: the body stays a stream. Node's http module and not fetch,
 * because a registry may have a certificate authority of its own.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as sendHttp } from 'node:http';
import { Agent as HttpsAgent, request as sendHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Proxies, proxyFor, proxyHeaders, tunnel } from './proxy.ts';

/** How a host proves that it is itself, and we that we are ourselves. Texts are PEM. */
export interface TlsSettings {
  ca?: string[];
  cert?: string;
  key?: string;
  /** accept any certificate: what `insecure-registries` says */
  insecure?: boolean;
}

/** Connections that are kept open between requests. Close it, or the process lives on with them. */
export interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
  proxies: Proxies;
  patience: Patience;
}

/** Milliseconds without a byte, after which a connection counts as cut. */
export interface Patience {
  asking: number;
  /** Who has been sent a large blob may need long to put it away. */
  sending: number;
}

export interface Outgoing {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  /** a stream can be sent only once: its sender must know how to make another for a retry */
  body?: Uint8Array | Readable;
  signal?: AbortSignal;
}

export interface Incoming {
  status: number;
  headers: IncomingHttpHeaders;
  /** must be read to its end or destroyed, or the connection is never used again */
  body: IncomingMessage;
  /** where the answer came from, after redirects */
  url: URL;
}

const PATIENCE: Patience = { asking: 60_000, sending: 600_000 };

/** An agent whose connections go through a proxy where there is one for their host. */
function tunnelled(agent: HttpsAgent, proxies: Proxies): HttpsAgent {
  type Connect = (options: ConnectionOptions, done: (error: Error | null, socket?: Socket) => void) => Socket | undefined;
  const own = agent as unknown as { createConnection: Connect };
  const direct = own.createConnection.bind(agent);
  own.createConnection = (options, done) => {
    const host = String(options.host);
    const target = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`;
    const proxy = proxyFor(new URL(`https://${target}`), proxies);
    if (proxy === undefined) return direct(options, done);
    tunnel(proxy, target).then((socket) => done(null, connectTls({ ...options, socket })), done);
    return undefined;
  };
  return agent;
}

export const openAgents = (tls: TlsSettings = {}, proxies: Proxies = {}, patience = PATIENCE): Agents => ({
  http: new HttpAgent({ keepAlive: true }),
  https: tunnelled(
    new HttpsAgent({
      keepAlive: true,
      ...(tls.ca && { ca: tls.ca }),
      ...(tls.cert && { cert: tls.cert }),
      ...(tls.key && { key: tls.key }),
      rejectUnauthorized: tls.insecure !== true,
    }),
    proxies,
  ),
  proxies,
  patience,
});

export const closeAgents = (agents: Agents): void => {
  agents.http.destroy();
  agents.https.destroy();
};

/** The URL for messages: signed URLs carry secrets in their query, and a user and password may be in front of the host. */
export const shownUrl = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`;

const USER_AGENT = 'minirun/0.1';

/** Sends it and waits for the head of the answer. Redirects are the caller's affair. */
export async function exchange(agents: Agents, outgoing: Outgoing): Promise<Incoming> {
  const { method, url, body, signal } = outgoing;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`${method} ${shownUrl(url)}: only http and https are spoken`);
  const headers: Record<string, string> = { 'User-Agent': USER_AGENT, ...outgoing.headers };
  if (body instanceof Uint8Array) headers['Content-Length'] = String(body.length);
  const secure = url.protocol === 'https:';
  // Plain HTTP has no tunnel: the proxy is asked for the whole URL.
  const viaProxy = secure ? undefined : proxyFor(url, agents.proxies);
  const inFull = viaProxy && { path: url.href, headers: { ...headers, Host: url.host, ...proxyHeaders(viaProxy) } };
  const patience = body === undefined ? agents.patience.asking : agents.patience.sending;
  let request!: ClientRequest;
  let response: IncomingMessage | undefined;
  const answer = new Promise<IncomingMessage>((done, failed) => {
    const options = { method, headers, agent: secure ? agents.https : agents.http, ...(signal && { signal }) };
    request = secure ? sendHttps(url, options) : sendHttp(viaProxy ?? url, { ...options, ...inFull });
    request.setTimeout(patience, () => {
      // Who reads the answer meanwhile must be told why it ends.
      response?.destroy(Object.assign(new Error(`no byte for ${patience / 1000} s`), { connection: true }));
      request.destroy(new Error(`no answer for ${patience / 1000} s`));
    });
    // After the answer has come, its stream tells of errors; this listener stays so that a late one does not end the process.
    request.on('error', failed);
    request.once('response', done);
  });
  try {
    if (body === undefined || body instanceof Uint8Array) request.end(body);
    // A registry may refuse an upload before it has read it all: then its answer counts, not the broken pipe.
    else pipeline(body, request).catch((error) => request.destroy(error));
    response = await answer;
    return { status: response.statusCode ?? 0, headers: response.headers, body: response, url };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw Object.assign(new Error(`failed to do request: ${method} ${shownUrl(url)}: ${causeOf(error)}`, { cause: error }), {
      connection: true,
    });
  }
}

/** Node's words for it, and the code where the words leave it out. */
function causeOf(error: unknown): string {
  const { message, code, errors } = error as Error & { code?: string; errors?: Error[] };
  const whole = message || errors?.map((e) => e.message).join('; ') || String(error);
  // OpenSSL's own errors are a line with places of its source; one part of it is for people.
  const text = whole.replace(/[0-9A-F]+:error:[0-9A-F]+:SSL routines:[^:]*:([^:]*):.*/s, '$1').trim();
  return code && !text.includes(code) ? `${text} (${code})` : text;
}

/** Did the connection fail, rather than the registry refuse? Then trying again can help. */
export const isConnectionError = (error: unknown): boolean => (error as { connection?: boolean } | undefined)?.connection === true;

/** The code of a failed connection, such as ECONNREFUSED or EPROTO. */
export const connectionCode = (error: unknown): string | undefined => ((error as Error).cause as { code?: string } | undefined)?.code;

/**
 * The body, as long as it keeps to the limit.
 * @throws when it is longer: an answer of an unknown server must not fill the memory
 */
export async function readBody(incoming: Incoming, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of incoming.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw new Error(`${shownUrl(incoming.url)}: the answer is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    throw Object.assign(new Error(`${shownUrl(incoming.url)}: the answer was cut: ${causeOf(error)}`, { cause: error }), {
      connection: true,
    });
  }
  return Buffer.concat(chunks);
}

/** Reads what is left of a small answer, so that the connection can be used again; a long one is cut. */
export async function discard(incoming: Incoming): Promise<void> {
  await readBody(incoming, 64 << 10).catch(() => incoming.body.destroy());
}
