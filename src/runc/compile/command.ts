/** The end of the program: who the process is, where it stands, and the command that replaces it. */
import { AT, CLOSE_RANGE, PR } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import {
  accept4,
  chdir,
  close,
  closeRange,
  dup3,
  execve,
  fchownat,
  fcntl,
  getcwd,
  joinSessionKeyring,
  prctl,
  setgroups,
  setresgid,
  setresuid,
  umask,
} from '../program/calls.ts';
import { type Descriptors, descriptors } from '../program/descriptors.ts';
import { ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Process } from '../spec/config.ts';
import { compileAppArmor } from './apparmor.ts';
import { capabilitySets, compileAmbient, compileBounding, compileCapabilities, compileKeepCapabilities } from './capabilities.ts';
import { add, closeResult, type Draft, type Setting, signal, wait } from './draft.ts';
import { keepsGroups, setgroupsDenied } from './idmap.ts';
import { compileScheduling } from './limits.ts';
import { compileNullStreams } from './null-streams.ts';
import { compileSeccomp } from './seccomp.ts';
import { agentPath } from './seccomp-agent.ts';
import { compileKeyLabel, compileProcessLabel } from './selinux.ts';

const init = (from: string, chapter: Setting['chapter'] = 'privileges'): Setting => ({ actor: 'init', chapter, from });

const UNCHANGED = 2 ** 32 - 1;

/** The environment's PATH, or the one that execvp(3) falls back to. */
function searchPath(env: readonly string[]): string[] {
  const entry = env.findLast((e) => e.startsWith('PATH='));
  return (entry ? entry.slice(5) : '/bin:/usr/bin').split(':').map((d) => d || '.');
}

/** Files that execvp(3) would try for a command. */
export function candidates(command: string, env: readonly string[]): string[] {
  if (command.includes('/')) return [command];
  return searchPath(env).map((folder) => `${folder === '/' ? '' : folder}/${command}`);
}

export interface CommandOptions {
  /** Standard streams are pipes or files made for this container: give them to its user. */
  ownStreams?: boolean;
  /** No session keyring of its own (runc's --no-new-keyring). */
  noKeyring?: boolean;
  /** Descriptors from 3 on that the command keeps. */
  preserveFds?: number;
  /** Stop before the command until `start` says so. */
  gated?: boolean;
  /** The program's file, where argv[0] does not name it. */
  file?: string;
  /** The container's id. */
  id?: string;
  /** Standard streams that are the host's null device, by number. */
  nullStreams?: readonly number[];
  /** exec: the container's first process, in the runtime's pid namespace. */
  pid?: number;
}

/** From here on init gives up power, step by step, until the command takes its place. */
export function compileCommand(draft: Draft, options: CommandOptions = {}): void {
  const process = draft.config.process as Process;
  const { uid, gid } = process.user;
  const sets = capabilitySets(draft, process.capabilities);
  const isRoot = uid === 0;
  // To the kernel it is -1, "leave it as it is": the command would stay root.
  if (uid === UNCHANGED || gid === UNCHANGED) throw new Error(`#/process/user: ${UNCHANGED} is no user or group number`);
  const numbers = descriptors(options.preserveFds);

  compileNullStreams(draft, options.nullStreams, options.pid !== undefined);
  if (!options.noKeyring) {
    compileKeyLabel(draft);
    add(draft, {
      ...init('minirun'),
      call: joinSessionKeyring(`_ses.${draft.config.annotations?.['minirun.id'] ?? 'container'}`),
      ignore: ['ENOSYS', 'EPERM', 'EDQUOT', 'EACCES'],
      minor: true,
      why: "A session keyring of its own: keys that the host's session holds in the kernel (for disks, for Kerberos) are out of reach.",
    });
  }
  compileScheduling(draft);
  compileAppArmor(draft);
  compileProcessLabel(draft);
  add(draft, {
    ...init('minirun'),
    call: closeRange(numbers.control + (agentPath(draft.config) ? 3 : options.gated ? 2 : 1), 0),
    why: 'Close every descriptor but standard input, output and error and the socket to the runtime: one that leaks into the container is a door, and a working directory given as /proc/self/fd/7 would walk through it (CVE-2024-21626).',
  });
  if (sets) compileBounding(draft, sets);
  add(draft, {
    ...init('#/process/cwd', 'the command'),
    call: chdir(process.cwd),
    why: 'The working directory of the command.',
  });
  add(draft, {
    ...init('#/process/cwd', 'the command'),
    call: getcwd(),
    minor: true,
    expect: [
      {
        arg: 0,
        offset: 0,
        size: 1,
        mask: 0xffn,
        equals: 0x2fn,
        otherwise: `The working directory ${process.cwd} lies outside of the container; a leaked descriptor was used to name it (CVE-2024-21626).`,
      },
    ],
    why: 'Make sure that it lies inside the container: a path through a leaked descriptor (/proc/self/fd/7) could lead out (CVE-2024-21626).',
  });
  if (options.ownStreams && !isRoot) {
    // The null device is everybody's, and may be the host's own.
    for (const stream of [0, 1, 2].filter((n) => !options.nullStreams?.includes(n)))
      add(draft, {
        ...init('#/process/user'),
        call: fchownat(stream, '', uid, -1, AT.AT_EMPTY_PATH),
        ignore: ['EPERM', 'EINVAL', 'EROFS', 'EACCES'],
        minor: true,
        why: 'The user may open /dev/stdin, /dev/stdout and /dev/stderr again.',
      });
  }
  if (sets && !isRoot) compileKeepCapabilities(draft, true);
  if (!setgroupsDenied(draft) && !keepsGroups(draft)) {
    const groups = process.user.additionalGids ?? [];
    add(draft, {
      ...init(groups.length ? '#/process/user/additionalGids' : '#/process/user'),
      call: setgroups(groups),
      minor: true,
      why: groups.length ? 'The further groups of the user.' : 'No further groups: those of whoever started minirun must not come along.',
    });
  }
  add(draft, {
    ...init('#/process/user/gid'),
    call: setresgid(gid),
    minor: true,
    why: 'The group. Before the user, for afterwards the right to change it is gone.',
  });
  add(draft, {
    ...init('#/process/user/uid'),
    call: setresuid(uid),
    why: isRoot
      ? 'Be root (of this user namespace). Root in a container is held back by what is taken away here, not by its name.'
      : 'Become the user of the command, for good: real, effective and saved id, so that there is no way back.',
  });
  if (sets && !isRoot) compileKeepCapabilities(draft, false);
  if (sets) compileAmbient(draft, sets, isRoot);
  add(draft, {
    ...init(process.user.umask === undefined ? 'minirun' : '#/process/user/umask'),
    call: umask(process.user.umask ?? 0o022),
    minor: true,
    why: 'Which permissions new files do not get.',
  });
  if (options.gated) compileGate(draft, numbers);
  if (kernelAtLeast(draft.host, 5, 11)) {
    add(draft, {
      ...init('minirun'),
      call: closeRange(numbers.control, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC),
      why: 'What is still open, the socket to the runtime, closes by itself when the command starts.',
    });
  } else {
    for (const socket of agentPath(draft.config) ? [numbers.control, numbers.notify] : [numbers.control])
      add(draft, {
        ...init('minirun'),
        call: fcntl(socket, 2, 1),
        minor: true,
        man: 'fcntl(2)',
        why: 'The sockets to the runtime and to a seccomp agent close by themselves when the command starts.',
      });
  }
  if (process.noNewPrivileges) {
    add(draft, {
      ...init('#/process/noNewPrivileges'),
      call: prctl(PR.PR_SET_NO_NEW_PRIVS, 1),
      why: 'From now on executing a program can never add privileges: set-uid bits and file capabilities are ignored, for this process and all its children.',
    });
  }
  if (draft.config.linux?.seccomp)
    compileSeccomp(draft, { socket: numbers.notify, id: options.id ?? '', bundle: draft.bundle, container: options.pid });
  if (sets) compileCapabilities(draft, sets);
  compileExec(draft, process, options.file);
}

/**
 * The gate between create and start: init waits for a connection on a socket, and from then on
 * reports to who is at its other end. Everything that can fail earlier has been done; what
 * remains is what must be the last before the command.
 */
function compileGate(draft: Draft, numbers: Descriptors): void {
  const setting = init('minirun', 'the command');
  signal(draft, setting, TOKENS.created, 'All is prepared: tell the runtime, which says so to its caller and ends.');
  const told = draft.steps.at(-1);
  if (told) told.unattended = true;
  wait(draft, { ...setting, actor: 'runtime' }, TOKENS.created, 'The container is created. From here on it waits for start, alone.');
  add(draft, {
    ...setting,
    call: accept4(numbers.gate),
    saves: 'start',
    why: 'Wait, for as long as it takes, until somebody connects to say start. Between create and start an engine does what it wants to have done before the command runs: networks, logs, health checks.',
  });
  add(draft, {
    ...setting,
    call: dup3(ref('start'), numbers.control),
    minor: true,
    why: 'What goes wrong from now on is told to who said start.',
  });
  closeResult(draft, setting, ref('start'));
  add(draft, { ...setting, call: close(numbers.gate), minor: true, why: 'Close the gate: nobody can start it twice.' });
  signal(draft, setting, TOKENS.started, 'Say that start was heard.');
}

function compileExec(draft: Draft, process: Process, file: string | undefined): void {
  const args = process.args as string[];
  const env = process.env ?? [];
  const paths = file === undefined ? candidates(args[0] as string, env) : [file];
  paths.forEach((path, i) => {
    add(draft, {
      ...init('#/process/args', 'the command'),
      call: execve(path, args, env),
      ...(i < paths.length - 1 ? { ignore: ['ENOENT', 'ENOTDIR', 'EACCES'] } : {}),
      minor: i > 0,
      why:
        i === 0
          ? 'Become the command. The process keeps its number, namespaces, user and descriptors; only the program in it is replaced. Whatever was set up above is now simply the world in which that program wakes up.'
          : 'Not found there: the next folder of PATH.',
    });
  });
}
