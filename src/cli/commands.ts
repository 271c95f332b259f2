/** All commands: what they are called, in which group of the help they stand, and where they are. Each is loaded when it is called. */
import type { Subcommand } from './command.ts';

export interface Entry {
  summary: string;
  load: () => Promise<Subcommand>;
  /** Words put before what was typed: `image inspect` is `inspect --type image`. */
  prefix?: string[];
}

export interface Chapter {
  title: string;
  commands: Record<string, Entry>;
}

const inspect = () => import('./commands/inspect.ts');

const CONTAINERS: Record<string, Entry> = {
  run: { summary: 'run a command in a new container: of a root file system, or of an image', load: () => import('./commands/run.ts') },
  exec: { summary: 'run one more command in a running container', load: () => import('./commands/exec.ts') },
  ps: { summary: 'list containers', load: () => import('./commands/ps.ts') },
  logs: { summary: 'show the output of a container', load: () => import('./commands/logs.ts') },
  stop: { summary: 'ask containers to end, and kill them when they do not', load: () => import('./commands/stop.ts') },
  kill: { summary: 'send a signal to containers', load: () => import('./commands/kill.ts') },
  rm: { summary: 'remove containers', load: () => import('./commands/rm.ts') },
  inspect: { summary: 'print all that is known of containers, images, networks and volumes', load: inspect },
  create: { summary: 'make a container of an image without starting it', load: () => import('./docker/commands/create.ts') },
  start: { summary: 'start containers that have ended, or were only created', load: () => import('./docker/commands/start.ts') },
  restart: { summary: 'stop containers and start them again', load: () => import('./docker/commands/restart.ts') },
  pause: { summary: 'freeze all processes of containers', load: () => import('./docker/commands/pause.ts') },
  unpause: { summary: 'let frozen containers go on', load: () => import('./docker/commands/unpause.ts') },
  wait: { summary: 'wait until containers end, and print their exit codes', load: () => import('./docker/commands/wait.ts') },
  attach: { summary: "join this terminal to a container's", load: () => import('./docker/commands/attach.ts') },
  rename: { summary: 'give a container another name', load: () => import('./docker/commands/rename.ts') },
  update: { summary: 'change limits and restart policy of containers', load: () => import('./docker/commands/update.ts') },
  top: { summary: 'list the processes of a container', load: () => import('./docker/commands/top.ts') },
  stats: { summary: 'show what containers use, kept up to date', load: () => import('./docker/commands/stats.ts') },
  port: { summary: 'list the published ports of a container', load: () => import('./docker/commands/port.ts') },
  diff: { summary: 'list the files that a container has changed', load: () => import('./docker/commands/diff.ts') },
  cp: { summary: 'copy files into and out of containers', load: () => import('./docker/commands/cp.ts') },
  export: { summary: "write a container's files to a tar archive", load: () => import('./docker/commands/export.ts') },
};

const IMAGES: Record<string, Entry> = {
  images: { summary: 'list images', load: () => import('./docker/commands/images.ts') },
  pull: { summary: 'download an image from a registry', load: () => import('./docker/commands/pull.ts') },
  push: { summary: 'upload an image to a registry', load: () => import('./docker/commands/push.ts') },
  tag: { summary: 'give an image another name', load: () => import('./docker/commands/tag.ts') },
  rmi: { summary: 'remove images', load: () => import('./docker/commands/rmi.ts') },
  save: { summary: 'write images to a tar archive', load: () => import('./docker/commands/save.ts') },
  load: { summary: 'read images from a tar archive', load: () => import('./docker/commands/load.ts') },
  import: { summary: 'make an image of a tar archive of files', load: () => import('./docker/commands/import.ts') },
  history: { summary: 'show how an image was made', load: () => import('./docker/commands/history.ts') },
  commit: { summary: "make an image of a container's changes", load: () => import('./docker/commands/commit.ts') },
  search: { summary: 'search a registry', load: () => import('./docker/commands/search.ts') },
  login: { summary: 'keep a password for a registry', load: () => import('./docker/commands/login.ts') },
  logout: { summary: 'forget it', load: () => import('./docker/commands/logout.ts') },
};

const DAEMON: Record<string, Entry> = {
  info: { summary: 'what the daemon says about itself and its machine', load: () => import('./docker/commands/info.ts') },
  version: { summary: 'versions of this client and of the daemon', load: () => import('./docker/commands/version.ts') },
  events: { summary: 'show what happens in the daemon', load: () => import('./docker/commands/events.ts') },
};

const UNDERSTANDING: Record<string, Entry> = {
  explain: { summary: 'show the steps of a run without running it', load: () => import('./commands/explain.ts') },
  lsns: {
    summary: 'which namespaces each container has, and what it shares with the host',
    load: () => import('./docker/commands/lsns.ts'),
  },
  monitor: { summary: 'a live view of all containers', load: () => import('./docker/commands/monitor.ts') },
  spec: { summary: 'print the OCI config.json that options make', load: () => import('./commands/spec.ts') },
  doctor: { summary: 'say what this machine can do, and how to mend the rest', load: () => import('./commands/doctor.ts') },
  completion: { summary: 'print completions for bash, zsh or fish', load: () => import('./commands/completion.ts') },
};

/** Commands that stand alone, as `minirun --help` shows them. */
export const CHAPTERS: readonly Chapter[] = [
  { title: 'Containers', commands: CONTAINERS },
  { title: 'Images', commands: IMAGES },
  { title: 'The daemon', commands: DAEMON },
  { title: 'Understanding', commands: UNDERSTANDING },
];

export const COMMANDS: Record<string, Entry> = Object.assign({}, ...CHAPTERS.map(({ commands }) => commands));

const some = (from: Record<string, Entry>, ...names: string[]): Record<string, Entry> =>
  Object.fromEntries(names.map((name) => [name, from[name] as Entry]));
const inspectOnly = (type: string): Entry => ({
  summary: `print all that is known of ${type}s`,
  load: inspect,
  prefix: ['--type', type],
});

/** Management commands: `minirun image ls`. */
export const GROUPS: Record<string, { summary: string; commands: Record<string, Entry> }> = {
  container: {
    summary: 'the commands of containers',
    commands: {
      ...CONTAINERS,
      ls: CONTAINERS.ps as Entry,
      list: CONTAINERS.ps as Entry,
      inspect: inspectOnly('container'),
      commit: IMAGES.commit as Entry,
      prune: { summary: 'remove all containers that have ended', load: () => import('./docker/commands/container-prune.ts') },
    },
  },
  image: {
    summary: 'the commands of images',
    commands: {
      ls: IMAGES.images as Entry,
      list: IMAGES.images as Entry,
      rm: IMAGES.rmi as Entry,
      ...some(IMAGES, 'pull', 'push', 'tag', 'save', 'load', 'import', 'history'),
      inspect: inspectOnly('image'),
      prune: { summary: 'remove images that nothing uses', load: () => import('./docker/commands/image-prune.ts') },
    },
  },
  volume: {
    summary: 'folders that outlive containers',
    commands: {
      create: { summary: 'make a volume', load: () => import('./docker/commands/volume-create.ts') },
      ls: { summary: 'list volumes', load: () => import('./docker/commands/volume-ls.ts') },
      inspect: inspectOnly('volume'),
      rm: { summary: 'remove volumes', load: () => import('./docker/commands/volume-rm.ts') },
      prune: { summary: 'remove volumes that no container uses', load: () => import('./docker/commands/volume-prune.ts') },
    },
  },
  network: {
    summary: 'networks between containers',
    commands: {
      create: { summary: 'make a network', load: () => import('./docker/commands/network-create.ts') },
      ls: { summary: 'list networks', load: () => import('./docker/commands/network-ls.ts') },
      inspect: inspectOnly('network'),
      connect: { summary: 'join a container to a network', load: () => import('./docker/commands/network-connect.ts') },
      disconnect: { summary: 'take a container out of a network', load: () => import('./docker/commands/network-disconnect.ts') },
      rm: { summary: 'remove networks', load: () => import('./docker/commands/network-rm.ts') },
      prune: { summary: 'remove networks that no container uses', load: () => import('./docker/commands/network-prune.ts') },
    },
  },
  system: {
    summary: 'the daemon as a whole',
    commands: {
      df: { summary: 'what images, containers and volumes take on the disk', load: () => import('./docker/commands/system-df.ts') },
      prune: { summary: 'remove all that nothing uses', load: () => import('./docker/commands/system-prune.ts') },
      ...some(DAEMON, 'info', 'events', 'version'),
    },
  },
};

/** What was typed → the command, its arguments, and its name as typed; undefined where there is none. */
export function resolveCommand(words: readonly string[]): { entry: Entry; args: string[]; name: string } | undefined {
  const [first = '', second = '', ...rest] = words;
  const own = (from: Record<string, Entry>, name: string) => (Object.hasOwn(from, name) ? from[name] : undefined);
  if (Object.hasOwn(GROUPS, first)) {
    const entry = own((GROUPS[first] as { commands: Record<string, Entry> }).commands, second);
    return entry && { entry, args: [...(entry.prefix ?? []), ...rest], name: `${first} ${second}` };
  }
  const entry = own(COMMANDS, first);
  return entry && { entry, args: words.slice(1), name: first };
}
