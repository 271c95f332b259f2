/**
 * HTTP_PROXY, HTTPS_PROXY and NO_PROXY: the way out of networks that have no other.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy what Docker and containerd make of them
 */
import { request } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import { isLoopback } from './loopback.ts';

export interface Proxies {
  http?: string;
  https?: string;
  /** hosts that are reached without, as in NO_PROXY: `example.com`, `.example.com`, `10.0.0.0/8`, `host:port`, `*` */
  none?: string;
}

/** Those of the environment; small letters count first. HTTP_PROXY in capitals is not read where it could be a header of a request (CGI; CVE-2016-5386). */
export function proxiesOf(environment: NodeJS.ProcessEnv): Proxies {
  const of = (name: string) => environment[name.toLowerCase()] || environment[name];
  const http = environment.REQUEST_METHOD === undefined ? of('HTTP_PROXY') : environment.http_proxy;
  const [https, none] = [of('HTTPS_PROXY'), of('NO_PROXY')];
  return { ...(http && { http }), ...(https && { https }), ...(none && { none }) };
}

function isExempt({ hostname, port, protocol }: URL, entry: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  if (entry === '*') return true;
  const [network = '', bits] = entry.split('/');
  const family = isIP(network);
  if (bits !== undefined) {
    if (family === 0 || isIP(name) !== family || !/^\d+$/.test(bits)) return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
    return list.check(name, family === 4 ? 'ipv4' : 'ipv6');
  }
  const [, host = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(family === 6 ? `[${entry}]` : entry) ?? [];
  if (wantedPort !== undefined && wantedPort !== (port || (protocol === 'https:' ? '443' : '80'))) return false;
  const bare = host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^\*?\./, '')
    .toLowerCase();
  // `.example.com` means the hosts below it; `example.com` that one too.
  return bare !== '' && (name.endsWith(`.${bare}`) || (name === bare && !/^\*?\./.test(host)));
}

/** The proxy for a URL, if there is one. This machine itself is never reached through one. */
export function proxyFor(url: URL, { http, https, none = '' }: Proxies): URL | undefined {
  const text = url.protocol === 'https:' ? https : http;
  if (!text || isLoopback(url.host)) return undefined;
  const entries = none.split(',').map((entry) => entry.trim());
  if (entries.some((entry) => entry !== '' && isExempt(url, entry))) return undefined;
  return new URL(/^\w+:\/\//.test(text) ? text : `http://${text}`);
}

/** What the proxy itself wants to know of us. */
export function proxyHeaders({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/**
 * Asks the proxy for a connection to a host; TLS is then spoken through it, and the proxy reads nothing.
 * @param target host:port
 */
export function tunnel(proxy: URL, target: string): Promise<Socket> {
  return new Promise((done, failed) => {
    const { hostname: host, port } = proxy;
    const asking = request({ host, port: port || 80, method: 'CONNECT', path: target, headers: { Host: target, ...proxyHeaders(proxy) } });
    asking.setTimeout(30_000, () => asking.destroy(new Error('no answer for 30 s')));
    asking.once('error', (error) =>
      failed(Object.assign(new Error(`proxy ${proxy.host}: ${error.message}`), { code: (error as { code?: string }).code })),
    );
    asking.once('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) return done(socket);
      socket.destroy();
      failed(new Error(`proxy ${proxy.host} refused a connection to ${target}: status ${statusCode}`));
    });
    asking.end();
  });
}
