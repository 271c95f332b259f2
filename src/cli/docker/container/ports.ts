/** -p and --expose. Pure. */
import { UsageError } from '../../usage-error.ts';

export interface PortBinding {
  HostIp: string;
  HostPort: string;
}

export interface Ports {
  exposed: Record<string, object>;
  bindings: Record<string, PortBinding[]>;
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'];

function range(typed: string, text: string): [number, number] {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || first < 1 || last > 65535 || first > last)
    throw new UsageError(`${typed}: invalid port: '${text}'; ports are 1 to 65535, a range is written 8000-8010`);
  return [first, last];
}

function protocolOf(typed: string, text: string): [ports: string, protocol: string] {
  const [, ports = text, protocol = 'tcp'] = /^(.*)\/([a-zA-Z]+)$/.exec(text) ?? [];
  if (!PROTOCOLS.includes(protocol.toLowerCase())) throw new UsageError(`${typed}: invalid proto: ${protocol}; it is tcp, udp or sctp`);
  return [ports, protocol.toLowerCase()];
}

/** `80`, `8080:80`, `127.0.0.1:8000-8010:80-90/udp`, `[::1]::53/udp` */
function publish(text: string, into: Ports): void {
  const typed = `-p ${text}`;
  const [rest, protocol] = protocolOf(typed, text);
  const [, address = '', host = '', container = ''] = /^(?:(?:(\[[0-9a-fA-F:.]+\]|[\d.]*):)?([\d-]*):)?([\d-]+)$/.exec(rest) ?? [];
  if (container === '') throw new UsageError(`${typed}: write [[ADDRESS:]PORT:]PORT[/tcp|udp|sctp]`);
  const [first, last] = range(typed, container);
  const [hostFirst, hostLast] = host === '' ? [0, 0] : range(typed, host);
  const spread = host !== '' && last === first && hostLast !== hostFirst;
  if (host !== '' && !spread && hostLast - hostFirst !== last - first)
    throw new UsageError(`${typed}: invalid ranges specified for container and host Ports: ${container} and ${host}`);
  const HostIp = address.replace(/^\[|\]$/g, '');
  for (let port = first; port <= last; port++) {
    const key = `${port}/${protocol}`;
    // A range for one port: the daemon takes whichever is free.
    const HostPort = host === '' ? '' : spread ? `${hostFirst}-${hostLast}` : String(hostFirst + port - first);
    into.exposed[key] = {};
    into.bindings[key] = [...(into.bindings[key] ?? []), { HostIp, HostPort }];
  }
}

function publishLong(text: string, into: Ports): void {
  const fields = Object.fromEntries(text.split(',').map((field) => field.split('=', 2) as [string, string]));
  const { target, published = '', protocol = 'tcp' } = fields;
  for (const key of Object.keys(fields))
    if (!['target', 'published', 'protocol', 'mode'].includes(key)) throw new UsageError(`-p ${text}: invalid field key ${key}`);
  publish(`${published === '' ? '' : `${published}:`}${target ?? ''}/${protocol}`, into);
}

/** @throws UsageError */
export function parsePorts(published: readonly string[], exposed: readonly string[]): Ports {
  const ports: Ports = { exposed: {}, bindings: {} };
  for (const text of published) (text.includes('=') ? publishLong : publish)(text, ports);
  for (const text of exposed) {
    const typed = `--expose ${text}`;
    const [rest, protocol] = protocolOf(typed, text);
    const [first, last] = range(typed, rest);
    for (let port = first; port <= last; port++) ports.exposed[`${port}/${protocol}`] = {};
  }
  return ports;
}
