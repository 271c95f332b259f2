/**
 * The command line of `run`, typed. Options have the names and forms that they have in Docker;
 * what each value means is decided in config-from-options.ts.
 */
import type { Command } from 'commander';
import type { EngineName } from '../runc/engine/launch.ts';
import type { Rlimit } from '../runc/spec/config.ts';
import { newCommand, parseCommand } from './command-line.ts';
import {
  type DeviceRequest,
  type NamespaceChoice,
  parseCapability,
  parseDevice,
  parseNamespace,
  parseSecurityOption,
  parseSysctl,
  parseUlimit,
  type SecurityOptions,
} from './limit-arguments.ts';
import { type MountRequest, parseMount, parseTmpfs, parseVolume } from './mount-arguments.ts';
import { suggestion } from './nearest.ts';
import { parseInteger, parseSignal, parseSize } from './sizes.ts';
import { UsageError } from './usage-error.ts';

/** What is asked of the container. Undefined is "not said". */
export interface RunOptions {
  /** Folder or archive, as typed. */
  rootfs: string;
  command: string[];
  interactive: boolean;
  tty: boolean;
  detach: boolean;
  rm: boolean;
  name?: string;
  hostname?: string;
  domainname?: string;
  /** `NAME=VALUE`, or `NAME` for the caller's value; in the order typed. */
  env: string[];
  envFiles: string[];
  workdir?: string;
  user?: string;
  mounts: MountRequest[];
  readOnly: boolean;
  /** Bytes. */
  memory?: number;
  /** Bytes, memory and swap together; -1 is no limit. */
  memorySwap?: number;
  cpus?: number;
  cpuShares?: number;
  cpusetCpus?: string;
  /** -1 is no limit. */
  pidsLimit?: number;
  ulimits: Rlimit[];
  sysctls: Record<string, string>;
  devices: DeviceRequest[];
  capAdd: string[];
  capDrop: string[];
  privileged: boolean;
  security: SecurityOptions;
  network?: NamespaceChoice;
  pid?: NamespaceChoice;
  ipc?: NamespaceChoice;
  uts?: NamespaceChoice;
  userns?: NamespaceChoice;
  cgroupParent?: string;
  init: boolean;
  /** A signal's number. */
  stopSignal?: number;
  oomScoreAdj?: number;
  /** Bytes. */
  shmSize?: number;
  entrypoint?: string;
  /** An OCI config.json to start from. */
  config?: string;
  // How it is run and told, which does not change the config:
  engine?: EngineName;
  explain?: 'text' | 'json' | 'html';
  /** The layers that it goes through instead of straight to the runtime. */
  through?: 'shim' | 'containerd';
  explainTo?: string;
  explainNumbers: boolean;
  step: boolean;
  dryRun: boolean;
  detachKeys?: string;
}

const gather =
  <T>(parse: (text: string) => T) =>
  (text: string, all: T[] = []): T[] => [...all, parse(text)];
const asIs = (text: string): string => text;

/** The host part of a name; the kernel itself would take anything up to 64 bytes. */
function hostname(option: string) {
  return (text: string): string => {
    if (Buffer.byteLength(text) > 64)
      throw new UsageError(`${option}: ${Buffer.byteLength(text)} bytes are too long; the kernel keeps at most 64`);
    if (text !== '' && !/^[^\s/\0]+$/.test(text))
      throw new UsageError(`${option} ${JSON.stringify(text)}: a name has no spaces or slashes`);
    return text;
  };
}

function containerName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text) && text.length <= 128) return text;
  throw new UsageError(`--name ${JSON.stringify(text)}: use 1 to 128 letters, digits, _, . and -, beginning with a letter or a digit`);
}

function environment(text: string): string {
  if (text === '' || text.startsWith('=')) throw new UsageError(`--env ${text}: the name is missing; write NAME=VALUE`);
  if (text.includes('\0')) throw new UsageError('--env: a value must not contain a NUL byte');
  return text;
}

function cpus(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0.01 && value <= 8192)) throw new UsageError(`--cpus ${text}: write a number from 0.01, such as 1.5`);
  return value;
}

function cpuList(text: string): string {
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) return text;
  throw new UsageError(`--cpuset-cpus ${text}: write numbers and ranges, such as 0-2,4`);
}

const workdir = (text: string): string => {
  if (text.startsWith('/')) return text;
  throw new UsageError(`--workdir ${text}: the working directory must be absolute (begin with /)`);
};

const choice =
  (option: string, words: readonly string[]) =>
  (text: string): string => {
    if (words.includes(text)) return text;
    throw new UsageError(`${option} ${text}: choose ${words.join(' or ')}${suggestion(text, words)}`);
  };

const own = (...words: string[]) => ['private', ...words];

/** What `run` and `exec` both can be told about the command. */
export function addCommandOptions(command: Command): Command {
  return command
    .optionsGroup('The command:')
    .option('-i, --interactive', 'keep standard input open (without a daemon it is passed on in any case)')
    .option('-t, --tty', 'give it a terminal of its own')
    .option('-e, --env <NAME=VALUE>', 'set a variable (without value: the one that is set here)', gather(environment))
    .option('--env-file <FILE>', 'set the variables listed in a file', gather(asIs))
    .option('-w, --workdir <PATH>', 'start in this folder', workdir)
    .option('-u, --user <USER:GROUP>', 'run as this user of the container: names or numbers; the group may be left out');
}

/** How the steps are made and told. */
export function addNarrationOptions(command: Command): Command {
  return command
    .option('--engine <ENGINE>', 'native (default where it is built) or ffi', choice('--engine', ['native', 'ffi']))
    .addOption(
      command
        .createOption('--explain [FORMAT]', 'tell each step as it happens: text or json; with --through also html')
        .preset('text')
        .argParser(choice('--explain', ['text', 'json', 'html'])),
    )
    .option('--explain-to <FILE>', 'tell it to a file instead of standard error')
    .option('--explain-numbers', 'show flags as numbers as well')
    .option('--step', 'wait for Enter before each step');
}

/** Adds what shapes the container: the options that `run`, `explain` and `spec` share. */
export function addContainerOptions(command: Command): Command {
  return addCommandOptions(command)
    .option('--entrypoint <PROGRAM>', 'run this program; the command becomes its arguments')
    .option('--init', 'run a small init as process 1, which reaps zombies and passes signals on')
    .option('--stop-signal <SIGNAL>', 'the signal that `minirun stop` sends first', (t: string) => parseSignal('--stop-signal', t))
    .optionsGroup('Names and namespaces:')
    .option('--name <NAME>', 'name the container', containerName)
    .option('-h, --hostname <NAME>', 'host name inside', hostname('--hostname'))
    .option('--domainname <NAME>', 'NIS domain name inside', hostname('--domainname'))
    .option('--net, --network <MODE>', 'none (default: only loopback), host, or container:NAME', (t: string) =>
      parseNamespace('--network', t, { own: own('none'), host: true, container: true }),
    )
    .option('--pid <MODE>', 'private (default), host, or container:NAME', (t: string) =>
      parseNamespace('--pid', t, { own: own(), host: true, container: true }),
    )
    .option('--ipc <MODE>', 'private (default), shareable, host, or container:NAME', (t: string) =>
      parseNamespace('--ipc', t, { own: own('shareable'), host: true, container: true }),
    )
    .option('--uts <MODE>', 'private (default) or host', (t: string) =>
      parseNamespace('--uts', t, { own: own(), host: true, container: false }),
    )
    .option('--userns <MODE>', "host (root's default) or private: map root to an unused range of ids", (t: string) =>
      parseNamespace('--userns', t, { own: own('auto'), host: true, container: false }),
    )
    .optionsGroup('Files:')
    .option(
      '-v, --volume <SRC:DST:OPTIONS>',
      'bind a file or folder of this machine; OPTIONS (ro, rslave, ...) may be left out',
      parseVolumeInto,
    )
    .option('--mount <KEY=VALUE,...>', "bind mount or tmpfs, in Docker's long form", parseMountInto)
    .option('--tmpfs <DST:OPTIONS>', 'an empty file system in memory', parseTmpfsInto)
    .option('--read-only', 'make the root file system read-only')
    .option('--device <HOST:CONTAINER:rwm>', 'give it a device', gather(parseDevice))
    .option('--shm-size <SIZE>', 'size of /dev/shm (default 64m)', (t: string) => parseSize('--shm-size', t))
    .optionsGroup('Limits:')
    .option('-m, --memory <SIZE>', 'memory limit', (t: string) => parseSize('--memory', t, 4096))
    .option('--memory-swap <SIZE>', 'limit of memory and swap together; -1: none (default: twice the memory)', (t: string) =>
      t === '-1' ? -1 : parseSize('--memory-swap', t, 4096),
    )
    .option('--cpus <NUMBER>', "how many CPUs' worth of time, such as 1.5", cpus)
    .option('--cpu-shares <WEIGHT>', 'share of the CPU when it is contended (default 1024)', (t: string) =>
      parseInteger('--cpu-shares', t, 2, 262144),
    )
    .option('--cpuset-cpus <LIST>', 'which CPUs it may use: 0-2,4', cpuList)
    .option('--pids-limit <NUMBER>', 'how many processes; -1: no limit', (t: string) => parseInteger('--pids-limit', t, -1, 4194304))
    .option('--ulimit <NAME=SOFT:HARD>', 'a limit for each process, such as nofile=1024', gather(parseUlimit))
    .option('--oom-score-adj <NUMBER>', 'how willingly it is killed when memory runs out: -1000 to 1000', (t: string) =>
      parseInteger('--oom-score-adj', t, -1000, 1000),
    )
    .option('--cgroup-parent <PATH>', "the cgroup below which the container's is made")
    .optionsGroup('Privileges:')
    .option(
      '--cap-add <NAME>',
      'add a capability, or ALL',
      gather((t) => parseCapability('--cap-add', t)),
    )
    .option(
      '--cap-drop <NAME>',
      'take a capability away, or ALL',
      gather((t) => parseCapability('--cap-drop', t)),
    )
    .option('--privileged', 'all capabilities and devices, nothing masked: little protection is left')
    .option('--security-opt <OPTION>', 'no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE', gather(asIs))
    .option('--sysctl <NAME=VALUE>', "a kernel parameter of the container's own namespaces", gather(parseSysctl))
    .optionsGroup('minirun:')
    .option('--config <FILE>', 'start from this OCI config.json instead of the defaults');
}

// Value names have no brackets: commander takes [ for "may be left out".
// -v, --mount and --tmpfs are kept in one list: their order is the order of the mounts.
let mounts: MountRequest[] = [];
const into =
  (parse: (text: string) => MountRequest) =>
  (text: string): true => {
    mounts.push(parse(text));
    return true;
  };
const parseVolumeInto = into(parseVolume);
const parseMountInto = into(parseMount);
const parseTmpfsInto = into(parseTmpfs);

/** Adds what only `run` has. */
export function addRunOptions(command: Command): Command {
  return addNarrationOptions(
    command
      .option('-d, --detach', 'leave it running and print its id')
      .option('--rm', 'remove the container when it ends')
      .option('--detach-keys <KEYS>', 'keys that leave a terminal (default ctrl-p,ctrl-q)')
      .option(
        '--through <LAYER>',
        'go through shim, or containerd and shim, as an engine does',
        choice('--through', ['shim', 'containerd']),
      ),
  ).option('--dry-run', 'only print the steps');
}

/**
 * Parses a command that has the container's options.
 * @param needsRootfs false where ROOTFS may be left out (`spec`)
 * @throws UsageError with one line; HelpShown
 */
export function parseRunOptions(command: Command, args: readonly string[], needsRootfs = true): RunOptions {
  mounts = [];
  const [rootfs, ...rest] = parseCommand(command, args);
  const o = command.opts();
  if (rootfs === undefined && needsRootfs)
    throw new UsageError(`ROOTFS is missing; usage: ${command.name()} [options] ROOTFS [COMMAND [ARG...]]`);
  if (rootfs === '') throw new UsageError('ROOTFS is an empty string');
  const security: SecurityOptions = {};
  for (const option of (o.securityOpt as string[] | undefined) ?? []) parseSecurityOption(option, security);
  const options: RunOptions = {
    rootfs: rootfs ?? 'rootfs',
    command: rest,
    interactive: o.interactive === true,
    tty: o.tty === true,
    detach: o.detach === true,
    rm: o.rm === true,
    env: o.env ?? [],
    envFiles: o.envFile ?? [],
    mounts,
    readOnly: o.readOnly === true,
    ulimits: o.ulimit ?? [],
    sysctls: Object.fromEntries((o.sysctl as [string, string][] | undefined) ?? []),
    devices: o.device ?? [],
    capAdd: o.capAdd ?? [],
    capDrop: o.capDrop ?? [],
    privileged: o.privileged === true,
    security,
    init: o.init === true,
    explainNumbers: o.explainNumbers === true,
    step: o.step === true,
    dryRun: o.dryRun === true,
  };
  // biome-ignore format: a table
  const given = [
    'name', 'hostname', 'domainname', 'workdir', 'user', 'memory', 'memorySwap', 'cpus', 'cpuShares', 'cpusetCpus', 'pidsLimit', 'network', 'pid',
    'ipc', 'uts', 'userns', 'cgroupParent', 'stopSignal', 'oomScoreAdj', 'shmSize', 'entrypoint', 'config', 'engine', 'explain',
    'explainTo', 'detachKeys', 'through',
  ] as const;
  for (const key of given) if (o[key] !== undefined) Object.assign(options, { [key]: o[key] });
  return checkTogether(options);
}

/** Options that contradict each other. */
function checkTogether(o: RunOptions): RunOptions {
  const refuse = (sentence: string): never => {
    throw new UsageError(sentence);
  };
  if (o.memorySwap !== undefined && o.memorySwap > 0 && o.memory === undefined)
    refuse('--memory-swap counts memory and swap together, so it needs --memory as well');
  if (o.memorySwap !== undefined && o.memorySwap > 0 && o.memory !== undefined && o.memorySwap < o.memory)
    refuse('--memory-swap counts memory and swap together, so it must be at least --memory');
  if (o.uts?.kind === 'host' && (o.hostname || o.domainname))
    refuse('--hostname and --domainname would rename this machine with --uts host; leave one of them out');
  if (o.detach && (o.step || o.explain))
    refuse(`--${o.step ? 'step' : 'explain'} tells what happens while it happens; it does not go with --detach`);
  if (o.explain === 'html' && !o.through && !o.dryRun)
    refuse('--explain html draws what crosses between layers; add --through containerd, or use minirun explain --format html');
  if (o.explain === 'html' && !o.explainTo && !o.dryRun) refuse('--explain html is a page: say where to write it with --explain-to FILE');
  if (o.step && o.explain === 'json') refuse('--step is for people and --explain=json for programs; leave one of them out');
  const targets = new Set<string>();
  for (const m of o.mounts) {
    const target = m.target
      .split('/')
      .filter((p) => p && p !== '.')
      .join('/');
    if (targets.has(target)) refuse(`${m.typed}: something is mounted at ${m.target} already`);
    targets.add(target);
  }
  return o;
}

/** The command for `run` itself. */
export const runCommand = (): Command =>
  addRunOptions(
    addContainerOptions(
      newCommand('minirun run', 'Run a command in a new container made of a root file system: a folder, or a tar or tar.gz of one.'),
    ),
  ).usage('[options] ROOTFS [COMMAND [ARG...]]');
