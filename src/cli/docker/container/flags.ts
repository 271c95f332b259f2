/** The options of `run` and `create` for images, with Docker's names; what they mean is said in create-request.ts. */
import type { Command } from 'commander';
import { parseInteger, parseSize } from '../../sizes.ts';
import { UsageError } from '../../usage-error.ts';
import { parseDuration } from './values.ts';

export const gather = (text: string, all: string[] = []): string[] => [...all, text];

const size =
  (option: string, least = 0) =>
  (text: string) =>
    text === '-1' ? -1 : parseSize(option, text, least);
const whole =
  (option: string, least = 0) =>
  (text: string) =>
    parseInteger(option, text, least, Number.MAX_SAFE_INTEGER);
const duration = (option: string) => (text: string) => parseDuration(option, text);
const oneOf = (option: string, words: readonly string[]) => (text: string) => {
  if (words.includes(text)) return text;
  throw new UsageError(`${option} ${text}: choose ${words.join(', ')}`);
};

function cpus(text: string): number {
  if (!/^\d*\.?\d+$/.test(text)) throw new UsageError(`--cpus ${text}: write a number such as 1.5`);
  return Number(text);
}

/** What `update` can change, too. */
export interface ResourceFlags {
  memory?: number;
  memoryReservation?: number;
  memorySwap?: number;
  kernelMemory?: number;
  cpus?: number;
  cpuShares?: number;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuRtPeriod?: number;
  cpuRtRuntime?: number;
  cpusetCpus?: string;
  cpusetMems?: string;
  pidsLimit?: number;
  blkioWeight?: number;
  restart?: string;
}

export function addResourceFlags(command: Command): Command {
  return command
    .option('-m, --memory <SIZE>', 'memory limit', size('--memory'))
    .option('--memory-reservation <SIZE>', 'what it is pressed down to when memory is short', size('--memory-reservation'))
    .option('--memory-swap <SIZE>', 'limit of memory and swap together; -1: none', size('--memory-swap'))
    .option('--kernel-memory <SIZE>', 'no effect any more', size('--kernel-memory'))
    .option('--cpus <NUMBER>', "how many CPUs' worth of time, such as 1.5", cpus)
    .option('-c, --cpu-shares <WEIGHT>', 'share of the CPU when it is contended', whole('--cpu-shares'))
    .option('--cpu-period <MICROSECONDS>', 'period of the CPU limit', whole('--cpu-period'))
    .option('--cpu-quota <MICROSECONDS>', 'CPU time in each period', whole('--cpu-quota', -1))
    .option('--cpu-rt-period <MICROSECONDS>', 'period of the real-time limit', whole('--cpu-rt-period'))
    .option('--cpu-rt-runtime <MICROSECONDS>', 'real-time CPU time in each period', whole('--cpu-rt-runtime'))
    .option('--cpuset-cpus <LIST>', 'which CPUs it may use: 0-2,4')
    .option('--cpuset-mems <LIST>', 'which memory nodes it may use')
    .option('--pids-limit <NUMBER>', 'how many processes; -1: no limit', whole('--pids-limit', -1))
    .option('--blkio-weight <WEIGHT>', 'share of block I/O: 10 to 1000, or 0 for the default', whole('--blkio-weight'))
    .option('--restart <POLICY>', 'no, on-failure[:MAXIMUM], always or unless-stopped');
}

/** Undefined is "not said". */
export interface CreateFlags extends ResourceFlags {
  interactive?: boolean;
  tty?: boolean;
  detach?: boolean;
  rm?: boolean;
  attach?: string[];
  env?: string[];
  envFile?: string[];
  label?: string[];
  labelFile?: string[];
  annotation?: string[];
  name?: string;
  hostname?: string;
  domainname?: string;
  user?: string;
  groupAdd?: string[];
  workdir?: string;
  entrypoint?: string;
  init?: boolean;
  stopSignal?: string;
  stopTimeout?: number;
  volume?: string[];
  mount?: string[];
  tmpfs?: string[];
  volumesFrom?: string[];
  volumeDriver?: string;
  readOnly?: boolean;
  device?: string[];
  deviceCgroupRule?: string[];
  gpus?: string[];
  shmSize?: number;
  storageOpt?: string[];
  publish?: string[];
  publishAll?: boolean;
  expose?: string[];
  network?: string[];
  networkAlias?: string[];
  ip?: string;
  ip6?: string;
  linkLocalIp?: string[];
  link?: string[];
  macAddress?: string;
  dns?: string[];
  dnsSearch?: string[];
  dnsOption?: string[];
  addHost?: string[];
  pid?: string;
  ipc?: string;
  uts?: string;
  userns?: string;
  cgroupns?: string;
  cgroupParent?: string;
  memorySwappiness?: number;
  oomKillDisable?: boolean;
  oomScoreAdj?: number;
  blkioWeightDevice?: string[];
  deviceReadBps?: string[];
  deviceWriteBps?: string[];
  deviceReadIops?: string[];
  deviceWriteIops?: string[];
  ulimit?: string[];
  sysctl?: string[];
  capAdd?: string[];
  capDrop?: string[];
  privileged?: boolean;
  securityOpt?: string[];
  healthCmd?: string;
  healthInterval?: number;
  healthTimeout?: number;
  healthStartPeriod?: number;
  healthStartInterval?: number;
  healthRetries?: number;
  healthcheck?: boolean;
  logDriver?: string;
  logOpt?: string[];
  runtime?: string;
  isolation?: string;
  platform?: string;
  pull?: string;
  quiet?: boolean;
  cidfile?: string;
  sigProxy?: boolean;
  detachKeys?: string;
}

export function addCreateFlags(command: Command): Command {
  command
    .optionsGroup('The command:')
    .option('-i, --interactive', 'keep its standard input open')
    .option('-t, --tty', 'give it a terminal of its own')
    .option('-a, --attach <STREAM>', 'attach only stdin, stdout or stderr', gather)
    .option('-e, --env <NAME=VALUE>', 'set a variable (without value: the one that is set here)', gather)
    .option('--env-file <FILE>', 'set the variables listed in a file', gather)
    .option('-w, --workdir <PATH>', 'start in this folder')
    .option('-u, --user <USER:GROUP>', 'run as this user of the image: names or numbers; the group may be left out')
    .option('--group-add <GROUP>', 'be in this group too', gather)
    .option('--entrypoint <PROGRAM>', "run this program instead of the image's; the command becomes its arguments")
    .option('--init', 'run a small init as process 1, which reaps zombies and passes signals on')
    .option('--stop-signal <SIGNAL>', 'the signal that `stop` sends first')
    .option('--stop-timeout <SECONDS>', 'how long `stop` waits before it kills', whole('--stop-timeout', -1))
    .optionsGroup('The container:')
    .option('--name <NAME>', 'name the container')
    .option('--rm', 'remove the container, and its anonymous volumes, when it ends')
    .option('--pull <WHEN>', 'always, missing (default) or never', oneOf('--pull', ['always', 'missing', 'never']))
    .option('-q, --quiet', 'show no progress of the download')
    .option('--platform <OS/ARCHITECTURE>', 'which of a multi-platform image')
    .option('--cidfile <FILE>', "write the container's id to a file")
    .option('-l, --label <NAME=VALUE>', 'a label', gather)
    .option('--label-file <FILE>', 'the labels listed in a file', gather)
    .option('--annotation <NAME=VALUE>', 'an annotation for the runtime', gather)
    .option('--runtime <NAME>', 'the runtime that makes it')
    .option('--log-driver <NAME>', 'where its output is kept')
    .option('--log-opt <NAME=VALUE>', 'an option of the log driver, such as max-size=10m', gather)
    .option('--isolation <KIND>', 'default, the only one on Linux')
    .option('--disable-content-trust', 'no effect: signatures are not checked')
    .optionsGroup('Names and namespaces:')
    .option('-h, --hostname <NAME>', 'host name inside')
    .option('--domainname <NAME>', 'NIS domain name inside')
    .option('--pid <MODE>', 'host, or container:NAME')
    .option('--ipc <MODE>', 'private, shareable, none, host, or container:NAME')
    .option('--uts <MODE>', 'host')
    .option('--userns <MODE>', 'host')
    .option('--cgroupns <MODE>', 'private or host', oneOf('--cgroupns', ['private', 'host', '']))
    .optionsGroup('Network:')
    .option('--net, --network <NETWORK>', 'a network, none, host, or container:NAME; may be given several times', gather)
    .option('-p, --publish <PORT:PORT>', "open a port of this machine to one of the container's: [[ADDRESS:]PORT:]PORT[/udp]", gather)
    .option('-P, --publish-all', 'open a free port for each exposed one')
    .option('--expose <PORT>', 'a port, or a range of ports, that it listens on', gather)
    .option('--network-alias <NAME>', 'one more name for it in the network', gather)
    .option('--ip <ADDRESS>', 'its IPv4 address')
    .option('--ip6 <ADDRESS>', 'its IPv6 address')
    .option('--link-local-ip <ADDRESS>', 'a link-local address', gather)
    .option('--link <CONTAINER:NAME>', 'see another container under a name', gather)
    .option('--mac-address <ADDRESS>', 'its MAC address')
    .option('--dns <ADDRESS>', 'a name server', gather)
    .option('--dns-search <DOMAIN>', 'a domain in which names are looked up', gather)
    .option('--dns-opt, --dns-option <OPTION>', 'an option of resolv.conf', gather)
    .option('--add-host <NAME:ADDRESS>', 'a line of /etc/hosts', gather)
    .optionsGroup('Files:')
    .option('-v, --volume <SRC:DST:OPTIONS>', 'a volume (by name), or a file or folder of this machine (by path)', gather)
    .option('--mount <KEY=VALUE,...>', 'the long form: type=bind, volume, tmpfs or image', gather)
    .option('--tmpfs <DST:OPTIONS>', 'an empty file system in memory', gather)
    .option('--volumes-from <CONTAINER>', 'the volumes of another container', gather)
    .option('--volume-driver <NAME>', 'the driver of new volumes')
    .option('--read-only', 'make the root file system read-only')
    .option('--device <HOST:CONTAINER:rwm>', 'give it a device', gather)
    .option('--device-cgroup-rule <RULE>', "allow devices, such as 'c 1:3 rwm'", gather)
    .option('--gpus <REQUEST>', "GPUs: all, a number, or 'device=0'", gather)
    .option('--shm-size <SIZE>', 'size of /dev/shm', size('--shm-size'))
    .option('--storage-opt <NAME=VALUE>', 'an option of the storage driver', gather)
    .optionsGroup('Limits:');
  addResourceFlags(command);
  return command
    .option('--memory-swappiness <PERCENT>', 'how willingly it is swapped out: 0 to 100', (text: string) =>
      parseInteger('--memory-swappiness', text, -1, 100),
    )
    .option('--oom-kill-disable', 'do not kill it when memory runs out')
    .option('--oom-score-adj <NUMBER>', 'how willingly it is killed when memory runs out: -1000 to 1000', (text: string) =>
      parseInteger('--oom-score-adj', text, -1000, 1000),
    )
    .option('--blkio-weight-device <DEVICE:WEIGHT>', 'share of the I/O of one device', gather)
    .option('--device-read-bps <DEVICE:RATE>', 'bytes a second read from a device', gather)
    .option('--device-write-bps <DEVICE:RATE>', 'bytes a second written to a device', gather)
    .option('--device-read-iops <DEVICE:RATE>', 'reads a second from a device', gather)
    .option('--device-write-iops <DEVICE:RATE>', 'writes a second to a device', gather)
    .option('--ulimit <NAME=SOFT:HARD>', 'a limit for each process, such as nofile=1024', gather)
    .option('--cgroup-parent <PATH>', "the cgroup below which the container's is made")
    .optionsGroup('Privileges:')
    .option('--cap-add <NAME>', 'add a capability, or ALL', gather)
    .option('--cap-drop <NAME>', 'take a capability away, or ALL', gather)
    .option('--privileged', 'all capabilities and devices, nothing masked: little protection is left')
    .option('--security-opt <OPTION>', 'no-new-privileges, seccomp=FILE|unconfined, apparmor=PROFILE, systempaths=unconfined', gather)
    .option('--sysctl <NAME=VALUE>', "a kernel parameter of the container's own namespaces", gather)
    .optionsGroup('Health:')
    .option('--health-cmd <COMMAND>', 'run in the container to check its health')
    .option('--health-interval <DURATION>', 'time between two checks', duration('--health-interval'))
    .option('--health-timeout <DURATION>', 'how long a check may take', duration('--health-timeout'))
    .option('--health-retries <NUMBER>', 'failures in a row that count as unhealthy', whole('--health-retries'))
    .option('--health-start-period <DURATION>', 'how long failures do not count after the start', duration('--health-start-period'))
    .option('--health-start-interval <DURATION>', 'time between checks in that period', duration('--health-start-interval'))
    .option('--no-healthcheck', "leave the image's check out");
}
