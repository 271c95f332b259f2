/** minirund's flags and its daemon.json: dockerd's names, those of them that mean something here. */
import { existsSync, readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { isLevel } from '../containerd/log.ts';
import { checkLogConfig } from './container/logs/drivers.ts';
import type { DaemonOptions } from './options.ts';

const DEFAULT_CONFIG = '/etc/minirun/daemon.json';

const gather = (value: string, all: string[] = []): string[] => [...all, value];

export const daemonCommand = (): Command =>
  new Command('minirund')
    .description("Docker's API over containerd, the shim and the runtime; for the docker command line and for minirun's own")
    .helpOption('--help', 'show this help')
    .option(
      '-H, --host <address>',
      'where it listens: unix:///PATH or tcp://127.0.0.1:PORT; may be given several times (default: unix:///run/minirun/docker.sock)',
      gather,
    )
    .option('--data-root <folder>', 'what has to last: images, containers, volumes (default: /var/lib/minirun)')
    .option('--exec-root <folder>', 'what a reboot may take away: sockets, streams, bundles (default: /run/minirund)')
    .option('-p, --pidfile <path>', 'where its process id is written')
    .option('--config-file <path>', `settings as in Docker's daemon.json (default: ${DEFAULT_CONFIG}, where there is one)`)
    .option('--containerd <socket>', 'a containerd of its own process (default: one inside this process)')
    .option('--containerd-namespace <name>', "containerd's namespace for containers (default: moby)")
    .option('-D, --debug', 'log more')
    .addOption(new Option('-l, --log-level <level>', 'debug, info, warn, error or fatal'))
    .option('--registry-mirror <url>', 'asked before Docker Hub', gather)
    .option('--insecure-registry <host>', 'may speak HTTP, and its certificate is not checked', gather)
    .option('--max-concurrent-downloads <count>', 'layers that each pull fetches at a time (default: 3)')
    .option('--max-concurrent-uploads <count>', 'layers that each push sends at a time (default: 5)')
    .option('--max-download-attempts <count>', 'how often a download is tried (default: 5)')
    .option('--label <key=value>', 'a label of this daemon', gather)
    .option('--add-runtime <name=path>', 'a runtime that can be chosen with --runtime', gather)
    .option('--default-runtime <name>', 'the runtime of containers that do not say (default: minirun)')
    .option('--log-driver <name>', 'json-file (default), local or none')
    .option('--log-opt <key=value>', 'such as max-size=10m', gather)
    .option('--cgroup-parent <path>', 'the cgroup below which those of containers are made')
    .option('--default-shm-size <size>', 'of /dev/shm (default: 64m)')
    .option('--default-ulimit <name=soft:hard>', 'for containers that do not say', gather)
    .option('--init', 'run a small init in each container')
    .option('--shutdown-timeout <seconds>', 'how long containers have to end when the daemon does (default: 15)')
    .option('--idle-timeout <seconds>', 'end when there has been no client and no container for so long (default: 0, never)');

/** The file's keys are the flags' long names; what may be given several times is a list, and so named. */
export type Settings = Record<string, unknown>;

const LISTS: Record<string, string> = {
  host: 'hosts',
  'registry-mirror': 'registry-mirrors',
  'insecure-registry': 'insecure-registries',
  label: 'labels',
};

/** A size as people write it: 64m. @throws Error */
export function sizeOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === '') throw new Error(`invalid size: '${text}'`);
  return Math.floor(Number(number) * 1024 ** ' kmgt'.indexOf(unit.toLowerCase() || ' '));
}

const pairs = (list: readonly string[], what: string): Record<string, string> =>
  Object.fromEntries(
    list.map((entry) => {
      const equals = entry.indexOf('=');
      if (equals <= 0) throw new Error(`${what} ${entry}: write NAME=VALUE`);
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );

function ulimitOf(text: string): DaemonOptions['defaultUlimits'][number] {
  const [, Name = '', soft = '', hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (Name === '') throw new Error(`--default-ulimit ${text}: write NAME=SOFT:HARD`);
  return { Name, Soft: Number(soft), Hard: Number(hard) };
}

function readSettings(flags: Record<string, unknown>): Settings {
  const path = (flags.configFile as string | undefined) ?? DEFAULT_CONFIG;
  if (flags.configFile === undefined && !existsSync(path)) return {};
  const text = readFileSync(path, 'utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`unable to configure the daemon with file ${path}: ${(error as Error).message}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new Error(`unable to configure the daemon with file ${path}: it is not a JSON object`);
  return parsed as Settings;
}

/**
 * @param flags commander's, of {@link daemonCommand}
 * @throws Error in one line, for what contradicts or cannot be understood
 */
export function optionsFrom(flags: Record<string, unknown>): DaemonOptions {
  const settings = readSettings(flags);
  const camel = (key: string) => key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const given = (key: string): unknown => flags[camel(key)] ?? settings[LISTS[key] ?? key];
  const text = (key: string, otherwise: string): string => {
    const value = given(key) ?? otherwise;
    if (typeof value !== 'string') throw new Error(`${key}: must be a text`);
    return value;
  };
  const list = (key: string): string[] => {
    const value = given(key) ?? [];
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string'))
      throw new Error(`${LISTS[key] ?? key}: must be a list of texts`);
    return value;
  };
  const seconds = (key: string, otherwise: number): number => {
    const value = Number(given(key) ?? otherwise);
    if (!Number.isFinite(value) || value < 0) throw new Error(`${key}: must be a number of seconds`);
    return value;
  };
  const count = (key: string, otherwise: number): number => {
    const value = Number(given(key) ?? otherwise);
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${key}: must be a whole number, 1 at least`);
    return value;
  };
  const level = given('debug') === true ? 'debug' : text('log-level', 'info');
  if (!isLevel(level)) throw new Error(`log-level ${level}: not one of debug, info, warn, error, fatal`);
  const logOptions = flags.logOpt ? pairs(flags.logOpt as string[], '--log-opt') : ((settings['log-opts'] ?? {}) as Record<string, string>);
  const logDriver = text('log-driver', 'json-file');
  if (!Object.values(logOptions).every((value) => typeof value === 'string')) throw new Error('log-opts: must be texts by name');
  checkLogConfig({ Type: logDriver, Config: logOptions });
  const added = Object.entries(pairs((flags.addRuntime as string[] | undefined) ?? [], '--add-runtime')).map(([name, path]) => [
    name,
    { path },
  ]);
  const ulimits = settings['default-ulimits'] as Record<string, { Name: string; Soft: number; Hard: number }> | undefined;
  const containerd = given('containerd') as string | undefined;
  const pidfile = given('pidfile') as string | undefined;
  const hosts = list('host');
  return {
    hosts: hosts.length > 0 ? hosts : ['unix:///run/minirun/docker.sock'],
    dataRoot: text('data-root', '/var/lib/minirun'),
    // Not below /run/minirun: each folder there is a container that minirun made without a daemon.
    execRoot: text('exec-root', '/run/minirund'),
    ...(pidfile === undefined ? {} : { pidfile }),
    ...(containerd === undefined ? {} : { containerd }),
    containerdNamespace: text('containerd-namespace', 'moby'),
    level,
    registryMirrors: list('registry-mirror'),
    insecureRegistries: list('insecure-registry'),
    transfers: {
      downloads: count('max-concurrent-downloads', 3),
      uploads: count('max-concurrent-uploads', 5),
      attempts: count('max-download-attempts', 5),
    },
    labels: list('label'),
    runtimes: { ...(settings.runtimes as DaemonOptions['runtimes'] | undefined), ...Object.fromEntries(added) },
    defaultRuntime: text('default-runtime', 'minirun'),
    logDriver,
    logOptions,
    cgroupParent: text('cgroup-parent', ''),
    defaultShmSize: sizeOf(String(given('default-shm-size') ?? '64m')),
    defaultUlimits: flags.defaultUlimit ? (flags.defaultUlimit as string[]).map(ulimitOf) : Object.values(ulimits ?? {}),
    init: given('init') === true,
    shutdownTimeout: seconds('shutdown-timeout', 15),
    idleTimeout: seconds('idle-timeout', 0),
  };
}
