/** `minirun-runc exec`: one more process in a container. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import { execInContainer } from '../container/exec.ts';
import { statusOf } from '../container/oci-state.ts';
import { loadConfig, viewOf } from '../container/state.ts';
import type { Process, User } from '../spec/config.ts';
import { parseProcess } from '../spec/validate.ts';
import { type Arguments, textOf } from './arguments.ts';
import { preservedFds, startError } from './bundle.ts';
import type { Command } from './command.ts';
import { connectConsoleSocket } from './console-socket.ts';
import { checkId } from './container-id.ts';
import { writePidFile } from './pid-file.ts';

/** `1000`, `1000:100`. */
function parseUser(text: string, user: User): User {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (!match) throw new Error(`parsing ${JSON.stringify(text)} as user: a number, or two with a colon, is wanted`);
  return { ...user, uid: Number(match[1]), ...(match[2] === undefined ? {} : { gid: Number(match[2]) }) };
}

function parseGids(list: readonly string[]): number[] {
  return list.map((text) => {
    if (!/^\d+$/.test(text)) throw new Error(`parsing ${JSON.stringify(text)} as group: a number is wanted`);
    return Number(text);
  });
}

/** Of two values of one name the later one counts: the C library would take the first. */
function withVariables(env: readonly string[], more: readonly string[]): string[] {
  const nameOf = (entry: string) => entry.split('=', 1)[0];
  const renewed = new Set(more.map(nameOf));
  return [...env.filter((entry) => !renewed.has(nameOf(entry))), ...more];
}

const CAPABILITY_SETS = ['bounding', 'effective', 'permitted', 'ambient'] as const;

/** The container's own process with what the options change, or the file's. */
export function processOf(args: Arguments, own: Process | undefined): Process {
  const file = textOf(args, 'process');
  if (file !== undefined) return parseProcess(readFileSync(file, 'utf8'), file);
  const command = args.operands.slice(1);
  if (!command.length) throw new Error('process args cannot be empty');
  if (!own) throw new Error('the container has no process in its config: name one with --process');
  const { user, capabilities, noNewPrivileges, apparmorProfile, selinuxLabel, ...rest } = own;
  const userText = textOf(args, 'user');
  const gids = parseGids(args.lists['additional-gids'] ?? []);
  const caps = args.lists.cap ?? [];
  const apparmor = textOf(args, 'apparmor') ?? apparmorProfile;
  const label = textOf(args, 'process-label') ?? selinuxLabel;
  const withCaps = { ...capabilities };
  for (const set of caps.length ? CAPABILITY_SETS : []) withCaps[set] = [...new Set([...(withCaps[set] ?? []), ...caps])];
  const process: Process = {
    ...rest,
    terminal: args.options.tty === true,
    args: command,
    env: withVariables(own.env ?? [], args.lists.env ?? []),
    cwd: textOf(args, 'cwd') ?? own.cwd,
    user: {
      ...(userText === undefined ? user : parseUser(userText, user)),
      ...(gids.length ? { additionalGids: [...(user.additionalGids ?? []), ...gids] } : {}),
    },
    // As in runc: what the config says, unless the option says yes or no.
    noNewPrivileges: args.options['no-new-privs'] === true || (noNewPrivileges === true && !args.off.includes('no-new-privs')),
    ...(capabilities || caps.length ? { capabilities: withCaps } : {}),
    ...(apparmor ? { apparmorProfile: apparmor } : {}),
    ...(label ? { selinuxLabel: label } : {}),
  };
  return parseProcess(JSON.stringify(process), 'exec');
}

export const command: Command = {
  synopsis: '<container-id> <command> [args...]  |  --process process.json <container-id>',
  options: {
    'console-socket': { value: 'PATH', help: 'unix socket that gets the master end of the terminal' },
    cwd: { value: 'DIR', help: 'working directory in the container' },
    env: { short: 'e', value: 'NAME=VALUE', many: true, help: 'add to the environment' },
    tty: { short: 't', help: 'give it a terminal' },
    user: { short: 'u', value: 'UID[:GID]', help: 'run as this user' },
    'additional-gids': { short: 'g', value: 'GID', many: true, help: 'further groups' },
    process: { short: 'p', value: 'FILE', help: 'the process as JSON, as in config.json' },
    detach: { short: 'd', help: 'return once the command runs' },
    'pid-file': { value: 'FILE', help: "where the process's number is written" },
    'process-label': { value: 'LABEL', help: 'SELinux label of the process' },
    apparmor: { value: 'PROFILE', help: 'AppArmor profile of the process' },
    'no-new-privs': { help: 'executing a program can add no privileges' },
    cap: { short: 'c', value: 'CAP', many: true, help: 'add a capability' },
    'preserve-fds': { value: 'N', help: 'descriptors that the process gets beside 0 to 2 and $LISTEN_FDS' },
    cgroup: { value: 'PATH', many: true, help: 'run in an existing sub-cgroup: [controller:]path' },
    'ignore-paused': { help: 'also in a paused container' },
  },
  operands: [1, Number.POSITIVE_INFINITY],
  stopAfter: 1,
  async run(args, context) {
    const view = viewOf(context.root, checkId(args.operands[0] ?? ''));
    if (!view) throw new Error('exec failed: container does not exist');
    const status = statusOf(view);
    if (status === 'stopped') throw new Error('exec failed: cannot exec in a stopped container');
    if (status === 'paused' && !args.options['ignore-paused'])
      throw new Error('exec failed: cannot exec in a paused container (use --ignore-paused to override)');
    const process = processOf(args, loadConfig(view).process);
    const detach = args.options.detach === true;
    const pidFile = textOf(args, 'pid-file');
    const socket = textOf(args, 'console-socket');
    let consoleSocket: number | undefined;
    try {
      consoleSocket = connectConsoleSocket(socket === undefined ? undefined : resolve(socket), process.terminal === true, detach);
      const ended = await execInContainer(
        view,
        {
          stateRoot: context.root,
          id: view.state.id,
          process,
          engine: 'native',
          warn: context.warn,
          ...(context.say ? { say: context.say } : {}),
          choices: { preserveFds: preservedFds(args) },
          cgroups: args.lists.cgroup ?? [],
          detachKeys: new Uint8Array(),
          ...(pidFile === undefined ? {} : { onRunning: (pid: number) => writePidFile(pidFile, pid) }),
          ...(consoleSocket === undefined ? {} : { consoleSocket }),
          ...(context.observer ? { observer: context.observer } : {}),
        },
        { detach },
      );
      return ended.code;
    } catch (error) {
      throw await startError('exec failed', error, process.args?.[0] ?? '', context.explain);
    } finally {
      if (consoleSocket !== undefined) closeFd(consoleSocket);
    }
  },
};
