/** Where the daemon is, decided as Docker's client decides it: -H, --context, DOCKER_HOST, DOCKER_CONTEXT, or minirun's own. */
import { UsageError } from '../../usage-error.ts';

/** Where minirund listens unless it is told otherwise. Never Docker's own socket: who means that one says so. */
export const OWN_SOCKET = '/run/minirun/docker.sock';

export interface Tls {
  /** Contents of PEM files. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

/** One of `socketPath`, `host` and `ssh` is there. */
export interface Address {
  /** As people write it, for messages. */
  url: string;
  socketPath?: string;
  host?: string;
  port?: number;
  tls?: Tls;
  /** Arguments of ssh(1) that name the machine. */
  ssh?: string[];
  /** Somebody named it: no daemon is started there on demand. */
  given: boolean;
}

/** What a context of Docker's says about its daemon. */
export interface Endpoint {
  url: string;
  tls?: Tls;
}

export interface AddressSources {
  host?: string | undefined;
  contextName?: string | undefined;
  env: Record<string, string | undefined>;
  /** Looks a context up. @throws UsageError when there is none of that name */
  endpointOf(name: string): Endpoint;
  /** The certificates of a folder, where DOCKER_TLS_VERIFY wants them. */
  certificatesIn(folder: string): Tls;
}

/** @throws UsageError in one line */
export function addressOf(sources: AddressSources): Address {
  const { host, contextName, env } = sources;
  if (host !== undefined && contextName !== undefined)
    throw new UsageError('conflicting options: either specify --host or --context, not both');
  const named = contextName ?? (host === undefined && !env.DOCKER_HOST ? env.DOCKER_CONTEXT : undefined);
  if (named && named !== 'default') {
    const { url, tls } = sources.endpointOf(named);
    return parseUrl(url, tls);
  }
  const url = host ?? (contextName === undefined ? env.DOCKER_HOST : undefined);
  if (!url) return { url: `unix://${OWN_SOCKET}`, socketPath: OWN_SOCKET, given: false };
  const tls = env.DOCKER_TLS_VERIFY ? sources.certificatesIn(env.DOCKER_CERT_PATH ?? `${env.HOME ?? ''}/.docker`) : undefined;
  return parseUrl(url, tls);
}

/** `unix:///PATH`, `tcp://HOST:PORT`, `ssh://[USER@]HOST[:PORT]`. @throws UsageError */
export function parseUrl(text: string, tls?: Tls): Address {
  const [, scheme = 'tcp', rest = ''] = /^(?:(\w+):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  const refuse = (): never => {
    throw new UsageError(`unable to parse docker host \`${text}\`: write unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST[:PORT]`);
  };
  switch (scheme) {
    case 'unix':
      if (!rest.startsWith('/')) return refuse();
      return { url: text, socketPath: rest, given: true };
    case 'tcp':
    case 'http':
    case 'https': {
      const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
      if (host === undefined) return refuse();
      const secure = tls !== undefined || scheme === 'https';
      return {
        url: text,
        host: host.replace(/^\[|\]$/g, ''),
        port: Number(port ?? (secure ? 2376 : 2375)),
        ...(secure ? { tls: tls ?? {} } : {}),
        given: true,
      };
    }
    case 'ssh': {
      const [, user, host, port] = /^(?:([^@/\s-][^@/\s]*)@)?([\w.][\w.-]*|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
      if (host === undefined) return refuse();
      const ssh = [...(user ? ['-l', user] : []), ...(port ? ['-p', port] : []), '--', host.replace(/^\[|\]$/g, '')];
      return { url: text, ssh, given: true };
    }
    default:
      return refuse();
  }
}
