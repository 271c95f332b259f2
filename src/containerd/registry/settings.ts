/** How registries are reached: mirrors, plain HTTP, certificate authorities. dockerd's options mean the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { invalidArgument } from '../errors.ts';
import type { CredentialsOf } from './credentials.ts';
import type { Patience, TlsSettings } from './http-request.ts';
import { hostname, isLoopback } from './loopback.ts';
import type { RequestObserver } from './observer.ts';
import type { Proxies } from './proxy.ts';
import type { RetryPolicy } from './retry.ts';

export interface RegistrySettings {
  /** `registry-mirrors`: URLs that are tried before Docker Hub, in this order */
  mirrors?: readonly string[];
  /** the same for other registries, by domain */
  mirrorsOf?: Readonly<Record<string, readonly string[]>>;
  /** `insecure-registries`: host, host:port, or a network such as 10.0.0.0/8, whose certificates are not checked and which may speak HTTP */
  insecure?: readonly string[];
  /** a folder like /etc/docker/certs.d: HOST[:PORT]/{*.crt, *.cert, *.key} */
  certificates?: string;
  /** further authorities that are trusted, PEM */
  ca?: readonly string[];
  /** those of the environment when not given */
  proxies?: Proxies;
  credentials?: CredentialsOf;
  retry?: RetryPolicy;
  /** how long a connection may be silent; a minute, ten while a blob is sent, when not given */
  patience?: Patience;
  observe?: RequestObserver;
}

/** @throws invalid argument, when an entry is no host and no network */
export function isInsecure(host: string, insecure: readonly string[] = []): boolean {
  const name = hostname(host);
  return (
    isLoopback(host) ||
    insecure.some((entry) => {
      const [network = '', bits] = entry.split('/');
      if (bits === undefined) return entry === host || entry === name;
      const family = isIP(network);
      if (family === 0 || !/^\d+$/.test(bits))
        throw invalidArgument(`insecure registry ${entry} is not valid: want host, host:port or address/bits`);
      if (isIP(name) !== family) return false;
      const list = new BlockList();
      list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
      return list.check(name, family === 4 ? 'ipv4' : 'ipv6');
    })
  );
}

/**
 * What the folder of the host says: every `.crt` is an authority, and NAME.cert with NAME.key is us.
 * @see https://docs.docker.com/engine/security/certificates/
 */
export function tlsOf(host: string, settings: RegistrySettings): TlsSettings {
  const ca = [...(settings.ca ?? [])];
  let cert: string | undefined;
  let key: string | undefined;
  // The host is part of a path here: nothing but a host may be.
  if (settings.certificates !== undefined && /^[A-Za-z0-9.:[\]-]+$/.test(host) && !/^\.+$/.test(host)) {
    const folder = join(settings.certificates, host);
    let names: string[] = [];
    try {
      names = readdirSync(folder).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    for (const name of names) {
      if (name.endsWith('.crt')) ca.push(readFileSync(join(folder, name), 'utf8'));
      if (!name.endsWith('.cert')) continue;
      const keyName = name.replace(/\.cert$/, '.key');
      if (!names.includes(keyName))
        throw new Error(`missing key ${keyName} for client certificate ${name}; CA certificates must use the extension .crt`);
      cert = readFileSync(join(folder, name), 'utf8');
      key = readFileSync(join(folder, keyName), 'utf8');
    }
  }
  return {
    ...(ca.length > 0 && { ca: [...rootCertificates, ...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    // Whoever gives an authority for a loopback address wants it to be looked at.
    ...(isInsecure(host, settings.insecure) && (ca.length === 0 || !isLoopback(host)) && { insecure: true }),
  };
}
