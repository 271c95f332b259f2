/**
 * The shim's children: inits and exec'd processes, each waited for by its own pidfd, so that nothing
 * is taken from Node, which waits for the programs that it started itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { call } from '../../libc/fd.ts';
import { must } from '../../libc/ffi.ts';
import { shellCode, waitChild, waitNow } from '../../libc/process.ts';

const PR_SET_CHILD_SUBREAPER = 36;

/** Orphans below this process become its children, not those of the machine's init (prctl(2)). */
export const becomeSubreaper = (): void => {
  must('become a subreaper', call('prctl', PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
};

/** Calls back with the exit code, as a shell reports it, once the child has ended and is reaped. */
export function onExit(pid: number, ended: (status: number) => void): void {
  owned.add(pid);
  void waitChild(pid).ended.then((status) => {
    owned.delete(pid);
    ended(status === undefined ? 255 : shellCode(status));
  });
}

/** Children that somebody here waits for. */
const owned = new Set<number>();

/** Longer than Node needs to wait for a child of its own, in ms. */
const SETTLE_MS = 1000;

function zombies(): number[] {
  try {
    return readdirSync('/proc/self/task').flatMap((thread) =>
      readFileSync(`/proc/self/task/${thread}/children`, 'latin1')
        .split(' ')
        .filter((pid) => pid !== '' && isZombie(pid))
        .map(Number),
    );
  } catch {
    return []; // a kernel without CONFIG_PROC_CHILDREN
  }
}

function isZombie(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.charAt(stat.lastIndexOf(')') + 2) === 'Z';
  } catch {
    return false;
  }
}

/**
 * Reaps orphans that came to us: children of hooks and of containers without a pid namespace of
 * their own. Only those that nobody has waited for in a second: Node is quicker with its own.
 * @returns what ends it
 */
export function reapOrphans(): () => void {
  let timer: NodeJS.Timeout | undefined;
  let before = new Set<number>();
  const sweep = () => {
    timer = undefined;
    const found = zombies().filter((pid) => !owned.has(pid));
    for (const pid of found) if (before.has(pid)) waitNow(pid);
    before = new Set(found.filter((pid) => !before.has(pid)));
    if (before.size) arm();
  };
  const arm = () => {
    timer ??= setTimeout(sweep, SETTLE_MS).unref();
  };
  process.on('SIGCHLD', arm);
  return () => {
    process.off('SIGCHLD', arm);
    clearTimeout(timer);
  };
}
