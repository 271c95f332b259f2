/** How registries are reached, as `docker info` shows it. */
import type { DaemonOptions } from '../options.ts';

export const REGISTRY_HUB = 'https://index.docker.io/v1/';

/** Registries on this machine may always speak HTTP. */
const LOOPBACK = ['::1/128', '127.0.0.0/8'];

/** As `docker info` writes them: with a slash at the end. */
const asUrl = (mirror: string): string => (mirror.endsWith('/') ? mirror : `${mirror}/`);

/** @param minor of the API's version */
export function registryConfig(
  { registryMirrors, insecureRegistries }: Pick<DaemonOptions, 'registryMirrors' | 'insecureRegistries'>,
  minor: number,
): object {
  const mirrors = registryMirrors.map(asUrl);
  const ranges = insecureRegistries.filter((entry) => entry.includes('/'));
  const hosts = insecureRegistries.filter((entry) => !entry.includes('/'));
  const index = (name: string, secure: boolean, official: boolean) => [
    name,
    { Name: name, Mirrors: official ? mirrors : [], Secure: secure, Official: official },
  ];
  return {
    ...(minor < 49 ? { AllowNondistributableArtifactsCIDRs: [], AllowNondistributableArtifactsHostnames: [] } : {}),
    InsecureRegistryCIDRs: [...new Set([...LOOPBACK, ...ranges])],
    IndexConfigs: Object.fromEntries([index('docker.io', true, true), ...hosts.map((host) => index(host, false, false))]),
    Mirrors: mirrors,
  };
}
