/** What a sandbox's processes use, and what has been left in it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from './daemon.ts';

export interface ProcessUse {
  pid: number;
  command: string;
  /** KiB. */
  rss: number;
  /** KiB; pages shared by n processes count for an nth (proc_pid_smaps(5)). */
  pss: number;
  threads: number;
  descriptors: number;
}

export interface Footprint {
  daemon: ProcessUse;
  /** All that is neither the daemon, nor a container, nor the sandbox: shims, and whatever they keep. */
  shims: ProcessUse[];
  /** Counts of everything that could be left behind. */
  counts: Record<'mounts' | 'root', number>;
  /** What is named: files, fifos, sockets, cgroups, processes. */
  paths: string[];
}

// Containers are those in another mount namespace. The sandbox's own are pid 1, and what was started to measure or to hold the daemon.
const PROCESSES = `
own=$(readlink /proc/1/ns/mnt)
for p in /proc/[0-9]*; do
  pid=\${p#/proc/}
  [ "$(readlink $p/ns/mnt 2>/dev/null)" = "$own" ] || continue
  command=$(tr '\\0' ' ' < $p/cmdline 2>/dev/null)
  case "$command" in ''|'timeout '*|'bash '*|'sh '*) continue;; esac
  [ -r $p/smaps_rollup ] || continue
  awk -v pid=$pid -v command="$command" -v fds=$(ls $p/fd | wc -l) -v threads=$(ls $p/task | wc -l) '
    /^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 }
    END { if (rss) print pid "\\t" rss "\\t" pss "\\t" threads "\\t" fds "\\t" command }' $p/smaps_rollup 2>/dev/null
done`;

const COUNTS = `
echo mounts $(wc -l < /proc/self/mountinfo)
echo root $(find /var/lib/containerd -xdev 2>/dev/null | wc -l)`;
const PATHS = `
find /run -xdev ! -path /run/containerd/fifo
find /sys/fs/cgroup -type d
for p in /proc/[0-9]*; do
  command=$(tr '\\0' ' ' < $p/cmdline 2>/dev/null) || continue
  case "$command" in 'timeout '*|'bash '*|'find '*|'ctr '*|'') continue;; esac
  echo "process \${p#/proc/} $command $(grep '^State' $p/status 2>/dev/null)"
done
find "$HOME" "$TMPDIR" -xdev '(' -type p -o -type s ')' 2>/dev/null || true`;

export async function footprint(daemon: Daemon): Promise<Footprint> {
  const daemonPid = Number(await daemon.inside(`cat ${daemon.place.folder}/daemon.pid`));
  const uses = (await daemon.inside(`${PROCESSES}\ntrue`))
    .split('\n')
    .filter(Boolean)
    .map((line): ProcessUse => {
      const [pid, rss, pss, threads, descriptors, command] = line.split('\t') as [string, string, string, string, string, string];
      return { pid: Number(pid), rss: Number(rss), pss: Number(pss), threads: Number(threads), descriptors: Number(descriptors), command };
    });
  const own = uses.find(({ pid }) => pid === daemonPid);
  if (!own) throw new Error(`${daemon.name}, pid ${daemonPid}, is not among the processes of the sandbox`);
  const counts = Object.fromEntries(
    (await daemon.inside(COUNTS)).split('\n').map((line) => {
      const [what, count] = line.split(' ') as [string, string];
      return [what, Number(count)];
    }),
  ) as Footprint['counts'];
  const paths = [...new Set((await daemon.inside(PATHS)).split('\n'))];
  return { daemon: own, shims: uses.filter(({ pid }) => pid !== daemonPid), counts, paths };
}

/** KiB. */
export const pssOf = (uses: readonly ProcessUse[]): number => uses.reduce((sum, { pss }) => sum + pss, 0);

/** The daemon may be another process than before. */
const ofDaemon = (path: string, { daemon }: Footprint): boolean => path.startsWith(`process ${daemon.pid} `);

/** What is there now and was not before. */
export function leftBehind(before: Footprint, now: Footprint): string[] {
  const known = new Set(before.paths);
  return [
    ...Object.entries(now.counts).flatMap(([what, count]) => {
      const more = count - before.counts[what as keyof Footprint['counts']];
      return more > 0 ? [`${more} more: ${what}`] : [];
    }),
    ...now.paths.filter((path) => !known.has(path) && !ofDaemon(path, now)),
  ];
}

/** Waits until nothing is left behind; the footprint then. @throws Error naming what stays */
export async function nothingLeft(daemon: Daemon, before: Footprint): Promise<Footprint> {
  let now = await settled(daemon);
  for (const end = Date.now() + 10_000; leftBehind(before, now).length > 0; now = await settled(daemon)) {
    if (Date.now() > end) throw new Error(`left behind:\n${leftBehind(before, now).join('\n')}`);
    await sleep(200);
  }
  return now;
}

/** The footprint when all that was removed is gone from the disk. */
export async function settled(daemon: Daemon): Promise<Footprint> {
  await daemon.client().collect();
  return footprint(daemon);
}
