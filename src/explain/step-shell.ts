/** `s` at --step: a shell in the place where the next call would be made, before it is made. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { takeForeground } from '../libc/foreground.ts';
import type { Where } from '../runc/engine/observer.ts';
import { attempt, snapshot } from './snapshot.ts';
import { wrap } from './style.ts';

export interface ShellOptions {
  /** Descriptor of the terminal, open for reading and writing. */
  tty: number;
  write: (text: string) => void;
  /** Columns; 80 unless told. */
  width?: number;
}

/** nsenter(1) option for each file of /proc/PID/ns. */
const ENTER: Record<string, string> = {
  user: '--user',
  mnt: '--mount',
  uts: '--uts',
  ipc: '--ipc',
  net: '--net',
  pid: '--pid',
  cgroup: '--cgroup',
  time: '--time',
};

/** Without job control (+m): from inside another pid namespace a shell cannot hand the terminal back. */
const SHELL = ['/bin/sh', '-i', '+m'];

export interface ShellPlan {
  argv: string[];
  /** What the person should know about this shell, as whole sentences. */
  note: string;
}

/** What decides how a place is entered. */
export interface PlaceFacts {
  /** Names of /proc/PID/ns that differ from this process's own. */
  foreign: string[];
  /** There is a /bin/sh below the process's root. */
  hasShell: boolean;
  /** Ids of the user namespace are mapped and groups may be set: nsenter can become root of it. */
  canBecomeRoot: boolean;
}

/** The command that opens a shell in the namespaces, root and working directory of a process. */
export function planShell(pid: number, facts: PlaceFacts): ShellPlan {
  const { foreign, hasShell } = facts;
  // Without a shell inside, the host's is used; it can be found only in the host's mounts.
  const entered = foreign.filter((name) => ENTER[name] && (hasShell || name !== 'mnt'));
  const argv = ['nsenter', `--target=${pid}`, ...entered.map((name) => ENTER[name] as string)];
  if (entered.includes('user') && !facts.canBecomeRoot) argv.push('--preserve-credentials');
  if (hasShell) argv.push('--root', '--wd');
  argv.push(...SHELL);
  const where = entered.length
    ? `This shell is in the ${new Intl.ListFormat('en').format(entered)} namespace${entered.length > 1 ? 's' : ''} of process ${pid}; all else is the host's.`
    : `Process ${pid} has no namespace of its own yet: this is the host.`;
  const files = hasShell ? '' : " There is no /bin/sh below its root, so this is the host's shell and it sees the host's files.";
  return { argv, note: where + files };
}

function look(pid: number): PlaceFacts | undefined {
  const own = snapshot(process.pid, ['namespaces']).namespaces;
  const its = snapshot(pid, ['namespaces']).namespaces;
  if (!own || !its) return undefined;
  const foreign = [...its].filter(([name, target]) => target && own.get(name) !== target).map(([name]) => name);
  const map = attempt(() => readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim());
  const groups = attempt(() => readFileSync(`/proc/${pid}/setgroups`, 'utf8').trim());
  return {
    foreign,
    // lstat: an absolute link (busybox has many) would be followed from the host's root.
    hasShell: attempt(() => lstatSync(`/proc/${pid}/root/bin/sh`)) !== undefined,
    canBecomeRoot: Boolean(map) && groups !== 'deny',
  };
}

/**
 * Opens the shell and waits until it ends. For the runtime's own steps that is a plain shell of
 * the host. Never throws: what is in the way is written to the person instead.
 */
export function openShell(where: Where, options: ShellOptions): void {
  const { step, index, pid } = where;
  if (pid === undefined) {
    options.write('The process that makes this call does not exist yet.\n');
    return;
  }
  let plan: ShellPlan = { argv: [...SHELL], note: 'The runtime makes this call, out here: this is the host.' };
  if (pid !== process.pid) {
    const facts = look(pid);
    if (!facts) {
      options.write(
        `The namespaces of process ${pid} cannot be read: it has ended, or it is protected from being looked into. --step as root may help.\n`,
      );
      return;
    }
    plan = planShell(pid, facts);
  }
  options.write(`${wrap(`${plan.note} The call has not been made yet. Leave with exit.`, options.width ?? 80).join('\n')}\n`);
  run(plan.argv, `(step ${index + 1}, ${step.actor}) # `, options);
}

function run([file = '', ...args]: string[], prompt: string, { tty, write }: ShellOptions): void {
  // ctrl-C in a shell without job control would end minirun as well.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const done = spawnSync(file, args, { stdio: [tty, tty, tty], env: { ...process.env, PS1: prompt } });
    const code = (done.error as NodeJS.ErrnoException | undefined)?.code;
    if (code === 'ENOENT' && file === 'nsenter')
      write('nsenter is not installed; it opens the shell in there. Debian and Ubuntu: apt install util-linux\n');
    else if (done.error) write(`The shell could not be started: ${done.error.message}\n`);
    else if (file === 'nsenter' && done.status === 1)
      write('(If nsenter was refused: entering the namespaces of another process takes the rights of the one who made them.)\n');
  } finally {
    takeForeground(tty);
    process.off('SIGINT', ignore);
  }
}
