/** One step as the nearest shell command. */

import { capabilityName } from '../libc/capabilities.ts';
import { CLONE, MNT, MS, O, RLIMIT, S } from '../libc/flags.ts';
import type { Arg, Step } from '../runc/program/step.ts';
import { deviceNumbers } from './decode.ts';
import { attributeField, attributeWords, flagWords, integer, type Place, type Places, placeOf, plain, propagationWord } from './places.ts';
import { shWord } from './sh-text.ts';

/** What the final command line needs, collected on the way. */
export interface Identity {
  uid: bigint | undefined;
  gid: bigint | undefined;
  groups: number[] | undefined;
  dropped: string[];
  noNewPrivileges: boolean;
}

export interface Shell {
  places: Places;
  /** Files opened for writing: result → path. */
  files: Map<string, string>;
  identity: Identity;
  /** The root is changed by chroot(8) in the last line, not by pivot_root: paths stay the host's until then. */
  chroot: boolean;
}

export interface Translation {
  commands: string[];
  /** What a shell cannot say here, and what stands in for it. */
  cannot?: string;
  /** Where the step's work is done instead: `by unshare above`. */
  elsewhere?: string;
}

const say = (...commands: string[]): Translation => ({ commands });
const nearly = (cannot: string, ...commands: string[]): Translation => ({ commands, cannot });
const elsewhere = (where: string): Translation => ({ commands: [], elsewhere: where });

/** Where the host's tree lies between the pivot and its unmount. */
export const OLD_ROOT = '/.old-root';

/** The path of a place, in the script's words: inside the rootfs it hangs off "$ROOT" until the pivot. */
export function shPath(shell: Shell, place: Place): string {
  if (place.path.startsWith('<')) return shWord(place.path);
  if (!place.inside && shell.places.inside) return OLD_ROOT;
  if (!place.inside || shell.places.inside) return shWord(place.path);
  return place.path === '/' ? '"$ROOT"' : `"$ROOT"${shWord(place.path)}`;
}

const textOf = (arg: Arg | undefined): string => (arg?.kind === 'data' ? Buffer.from(arg.hex, 'hex').toString() : plain(arg));

/** `|| :` where the step may fail. */
const tolerant = (step: Step, command: string): string => (step.ignore?.length ? `${command} 2>&- || :` : command);

const ULIMIT: Partial<Record<keyof typeof RLIMIT, [option: string, unit: bigint]>> = {
  RLIMIT_CPU: ['-t', 1n],
  RLIMIT_FSIZE: ['-f', 512n],
  RLIMIT_DATA: ['-d', 1024n],
  RLIMIT_STACK: ['-s', 1024n],
  RLIMIT_CORE: ['-c', 512n],
  RLIMIT_NOFILE: ['-n', 1n],
  RLIMIT_AS: ['-v', 1024n],
  RLIMIT_MEMLOCK: ['-l', 1024n],
};

function limit(step: Step): Translation {
  const name = (Object.keys(RLIMIT) as (keyof typeof RLIMIT)[]).find((n) => BigInt(RLIMIT[n]) === integer(step.call.args[1]));
  const known = name && ULIMIT[name];
  const struct = step.call.args[2];
  if (!known || struct?.kind !== 'struct')
    return nearly(`set ${name ?? 'this limit'} everywhere, ulimit has no option for it in POSIX shells`);
  const value = (field: string) => {
    const n = BigInt.asUintN(64, integer(struct.fields.find((f) => f.name === field)?.value));
    return n === 2n ** 64n - 1n ? 'unlimited' : String(n / known[1]);
  };
  return nearly(
    "set another process's limits; the process sets its own",
    `ulimit -S ${known[0]} ${value('rlim_cur')}`,
    `ulimit -H ${known[0]} ${value('rlim_max')}`,
  );
}

function mounting(shell: Shell, step: Step): Translation {
  const { args } = step.call;
  const flags = integer(args[3]);
  const recursive = (flags & BigInt(MS.MS_REC)) !== 0n;
  const target = shPath(shell, placeOf(shell.places, undefined, args[1]));
  const propagation = propagationWord(flags);
  if (flags & BigInt(MS.MS_REMOUNT)) return say(tolerant(step, `mount -o remount,bind,${flagWords(flags).join(',') || 'rw'} ${target}`));
  if (propagation) return say(tolerant(step, `mount --make-${propagation} ${target}`));
  if (flags & BigInt(MS.MS_BIND)) {
    const own = plain(args[0]) === plain(args[1]) ? '"$ROOT"' : undefined;
    return say(tolerant(step, `mount --${recursive ? 'rbind' : 'bind'} ${own ?? shWord(plain(args[0]))} ${own ?? target}`));
  }
  const options = [...flagWords(flags), ...plain(args[4]).split(',').filter(Boolean)];
  return say(
    tolerant(
      step,
      `mount -t ${shWord(plain(args[2]))} ${options.length ? `-o ${shWord(options.join(','))} ` : ''}${shWord(plain(args[0]))} ${target}`,
    ),
  );
}

function node(shell: Shell, step: Step): Translation {
  const { args } = step.call;
  const path = shPath(shell, placeOf(shell.places, args[0], args[1]));
  const type = integer(args[2]) & 0o170000n;
  const mode = (integer(args[2]) & 0o7777n).toString(8);
  const [major, minor] = deviceNumbers(integer(args[3]));
  const make =
    type === BigInt(S.S_IFREG)
      ? `: > ${path}`
      : type === BigInt(S.S_IFIFO)
        ? `mkfifo -m ${mode} ${path}`
        : `mknod -m ${mode} ${path} ${type === BigInt(S.S_IFBLK) ? 'b' : 'c'} ${major} ${minor}`;
  return say(step.ignore?.includes('EEXIST') ? `[ -e ${path} ] || ${make}` : make);
}

function privilege(shell: Shell, step: Step): Translation {
  const { identity } = shell;
  const { name, args } = step.call;
  const later = elsewhere('by setpriv in the last line');
  if (name === 'setresuid') identity.uid = integer(args[0]);
  else if (name === 'setresgid') identity.gid = integer(args[0]);
  else if (name === 'setgroups') {
    const bytes = args[1]?.kind === 'data' ? Buffer.from(args[1].hex, 'hex') : Buffer.alloc(0);
    identity.groups = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
  } else if (name === 'prctl' && integer(args[0]) === 24n) identity.dropped.push(capabilityName(Number(integer(args[1]))));
  else if (name === 'prctl' && integer(args[0]) === 38n) identity.noNewPrivileges = true;
  else if (name === 'capset')
    return {
      commands: [],
      cannot:
        'set the five capability sets one by one; setpriv in the last line sets the bounding set, from which execve computes the others',
    };
  else return { commands: [], cannot: `call ${name} with these arguments` };
  return later;
}

/** The nearest command to a step. Sync steps, clone, unshare and setns belong to the script's frame. */
export function translate(shell: Shell, step: Step): Translation {
  const { name, args } = step.call;
  const at = (dir: number, path: number) => shPath(shell, placeOf(shell.places, args[dir], args[path]));
  switch (name) {
    case 'mount':
      return mounting(shell, step);
    case 'umount2':
      return say(
        tolerant(
          step,
          `umount ${integer(args[1]) & BigInt(MNT.MNT_DETACH) ? '-l ' : ''}${shPath(shell, placeOf(shell.places, undefined, args[0]))}`,
        ),
      );
    case 'pivot_root':
      return nearly(
        'stack the old root on the new one and unmount it as `.`, because umount(8) takes `.` for the new one; the old root gets a folder',
        `pivot_root "$ROOT" "$ROOT"${OLD_ROOT}`,
      );
    case 'chroot':
      return nearly('change its own root; chroot(8) does it for the command that it starts, so it stands in the last line');
    case 'chdir':
      if (shell.chroot) return nearly('stand in a folder of a root that it is not in yet; the command starts in /');
      return say(`cd ${plain(args[0]) === shell.places.rootfs && !shell.places.inside ? '"$ROOT"' : shWord(plain(args[0]))}`);
    case 'fchdir': {
      const place = placeOf(shell.places, args[0], { kind: 'text', parts: [''] });
      if (!place.inside && shell.places.inside) return elsewhere(`by naming ${OLD_ROOT} below`);
      return say(`cd ${shPath(shell, place)}`);
    }
    case 'sethostname':
      return say(`hostname ${shWord(textOf(args[0]))}`);
    case 'setdomainname':
      return say(`printf %s ${shWord(textOf(args[0]))} > /proc/sys/kernel/domainname`);
    case 'mkdirat': {
      const mode = integer(args[2]).toString(8);
      return say(step.ignore?.includes('EEXIST') ? `[ -d ${at(0, 1)} ] || mkdir -m ${mode} ${at(0, 1)}` : `mkdir -m ${mode} ${at(0, 1)}`);
    }
    case 'mknodat':
      return node(shell, step);
    case 'fchmodat':
      return say(tolerant(step, `chmod ${integer(args[2]).toString(8)} ${at(0, 1)}`));
    case 'fchownat':
      if (plain(args[1]) === '') return nearly('change the owner of an open stream');
      return say(tolerant(step, `chown -h ${integer(args[2])}:${integer(args[3])} ${at(0, 1)}`));
    case 'symlinkat':
      return say(`[ -L ${at(1, 2)} ] || ln -s ${shWord(plain(args[0]))} ${at(1, 2)}`);
    case 'unlinkat':
      return say(tolerant(step, `${integer(args[2]) ? 'rmdir' : 'rm'} ${at(0, 1)}`));
    case 'umask':
      return say(`umask ${integer(args[0]).toString(8).padStart(3, '0')}`);
    case 'openat':
    case 'openat2': {
      if (integer(name === 'openat' ? args[2] : args[3]) & BigInt(O.O_WRONLY) || isWrite(step)) {
        const place = placeOf(shell.places, args[0], args[1]);
        if (step.saves) shell.files.set(step.saves, shPath(shell, { ...place, path: place.path.replace('<init>', 'self') }));
        return elsewhere('by the redirection below');
      }
      return nearly(
        name === 'openat2'
          ? 'make the kernel resolve a path as if the rootfs were /; a link in the image can lead astray here'
          : 'work through a descriptor; the path is used',
      );
    }
    case 'write': {
      const file = args[0]?.kind === 'result' ? shell.files.get(args[0].of) : undefined;
      if (file === undefined) return nearly('write to this descriptor');
      const value = textOf(args[1]);
      const line = value.endsWith('\n') ? `printf %s ${shWord(value)}` : `echo ${shWord(value)}`;
      return say(step.ignore?.length ? `{ ${line} > ${file}; } 2>&- || :` : `${line} > ${file}`);
    }
    case 'sendto':
      return say('ip link set lo up');
    case 'open_tree':
      return elsewhere('by mount --bind below');
    case 'move_mount': {
      const tree = args[0]?.kind === 'result' ? shell.places.held.get(args[0].of) : undefined;
      const target = at(2, 3);
      const words = attributeWords(tree?.attributes ?? 0n);
      if (!tree) return nearly('attach a mount that it holds by a descriptor');
      return nearly(
        'attach a mount through descriptors; between these two lines the mount is still writable',
        tolerant(step, `mount --${tree.recursive ? 'rbind' : 'bind'} ${shPath(shell, tree)} ${target}`),
        ...(words.length ? [tolerant(step, `mount -o remount,bind,${words.join(',')} ${target}`)] : []),
      );
    }
    case 'mount_setattr': {
      const place = placeOf(shell.places, args[0], args[1]);
      if (place.attributes !== undefined) return elsewhere('by mount -o remount below, once it is attached');
      const words = attributeWords(attributeField(step, 'attr_set'));
      const propagation = propagationWord(attributeField(step, 'propagation'));
      return say(
        ...(words.length ? [tolerant(step, `mount -o remount,bind,${words.join(',')} ${shPath(shell, place)}`)] : []),
        ...(propagation ? [`mount --make-${propagation} ${shPath(shell, place)}`] : []),
      );
    }
    case 'prlimit':
      return limit(step);
    case 'posix_spawn':
      return nearly(
        'name a process that does not exist yet; unshare --map-root-user maps one user instead of this',
        `: ${args.map((a) => shWord(plain(a))).join(' ')}`,
      );
    case 'run_hook':
      return nearly(
        'stop the container half-made for a hook; it would run',
        `: ${(args[1]?.kind === 'list' ? args[1].items : []).map(shWord).join(' ')}`,
      );
    case 'accept4':
      return nearly('wait in the middle for somebody to say start; it goes on at once');
    case 'setresuid':
    case 'setresgid':
    case 'setgroups':
    case 'capset':
    case 'prctl':
      return privilege(shell, step);
    case 'close':
    case 'socket':
    case 'recvfrom':
      return { commands: [] };
    case 'statx':
    case 'fstatfs':
    case 'getcwd':
      return nearly('check this without a race: what is looked at can be changed before it is used');
    case 'seccomp':
      return nearly('install a seccomp filter: the command may make every system call here');
    case 'bpf':
      return nearly('load an eBPF program: devices are not limited here');
    case 'close_range':
      return nearly('mark all descriptors at once; this script opens none');
    default:
      return nearly(`call ${name}; it is left out`);
  }
}

const isWrite = (step: Step): boolean => {
  const how = step.call.args.find((a) => a.kind === 'struct');
  return how?.kind === 'struct' && (integer(how.fields.find((f) => f.name === 'flags')?.value) & 3n) === BigInt(O.O_WRONLY);
};

/** Options of unshare(1) and nsenter(1) by CLONE_ flag. */
export const NAMESPACE_OPTIONS: [flag: number, option: string][] = [
  [CLONE.CLONE_NEWUSER, 'user'],
  [CLONE.CLONE_NEWPID, 'pid'],
  [CLONE.CLONE_NEWNS, 'mount'],
  [CLONE.CLONE_NEWUTS, 'uts'],
  [CLONE.CLONE_NEWIPC, 'ipc'],
  [CLONE.CLONE_NEWNET, 'net'],
  [CLONE.CLONE_NEWCGROUP, 'cgroup'],
  [CLONE.CLONE_NEWTIME, 'time'],
];
