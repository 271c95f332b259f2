/** The files that the daemon keeps for a container and that appear in its /etc: hosts, hostname, resolv.conf. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { otherOf } from './network.ts';
import { hostnameOf } from './spec/hostname.ts';
import { isHost } from './spec/modes.ts';
import type { OwnFiles } from './spec/mounts.ts';

const LOCALHOST =
  '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** `--add-host NAME:ADDRESS`, also with `=` between them. */
function extraHosts(entries: readonly string[] | undefined): string {
  return (entries ?? [])
    .map((entry) => {
      const at = /[:=]/.exec(entry)?.index ?? entry.length;
      return `${entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1')}\t${entry.slice(0, at)}\n`;
    })
    .join('');
}

/** The host's, but for what --dns, --dns-search and --dns-option say. Source: resolv.conf(5). */
function resolvConf(
  host: string,
  { Dns, DnsSearch, DnsOptions }: { Dns?: string[] | undefined; DnsSearch?: string[] | undefined; DnsOptions?: string[] | undefined },
): string {
  const lines = host.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#') && !line.startsWith(';'));
  const without = (word: string, given: readonly string[] | undefined) => (line: string) => !given?.length || !line.startsWith(word);
  const kept = lines.filter(without('nameserver', Dns)).filter(without('search', DnsSearch)).filter(without('options', DnsOptions));
  const search = DnsSearch?.length && DnsSearch[0] !== '.' ? [`search ${DnsSearch.join(' ')}`] : [];
  return [
    ...kept,
    ...(Dns ?? []).map((server) => `nameserver ${server}`),
    ...search,
    ...(DnsOptions?.length ? [`options ${DnsOptions.join(' ')}`] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * Writes them, as they are to be at this start. A container that shares another one's network has the other's.
 * @returns their paths
 */
export function writeEtcFiles({ containers, facts }: Pick<Daemon, 'containers' | 'facts'>, container: Container): OwnFiles {
  const { record, folder } = container;
  const { HostConfig, Config } = record;
  const other = otherOf(HostConfig.NetworkMode);
  const at = other === undefined ? folder : containers.get(other).folder;
  const paths = { hosts: join(at, 'hosts'), hostname: join(at, 'hostname'), resolvConf: join(at, 'resolv.conf') };
  if (other !== undefined) return paths;
  const hostname = hostnameOf(record.Id, Config, HostConfig, facts);
  const full = Config.Domainname ? `${hostname}.${Config.Domainname}` : hostname;
  const host = isHost(HostConfig.NetworkMode);
  const addresses = Object.values(record.Networks).flatMap(({ IPAddress }) =>
    IPAddress === '' ? [] : [`${IPAddress}\t${full}${full === hostname ? '' : ` ${hostname}`}\n`],
  );
  writeFileSync(paths.hosts, `${host ? read('/etc/hosts') : LOCALHOST}${extraHosts(HostConfig.ExtraHosts)}${addresses.join('')}`, {
    mode: 0o644,
  });
  writeFileSync(paths.hostname, `${hostname}\n`, { mode: 0o644 });
  writeFileSync(paths.resolvConf, resolvConf(read('/etc/resolv.conf'), HostConfig), { mode: 0o644 });
  return paths;
}
