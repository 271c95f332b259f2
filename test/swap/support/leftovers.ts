/** What minirund and its containers have made in a sandbox, and could leave behind: mounts, files, cgroups, processes. */
import type { DockerDaemon } from './minirund.ts';
import { eventually } from './sandbox.ts';

// The database and the logs of the daemon grow; they are its own. Programs that only look are none of its.
const LIST = `
cut -d' ' -f5 /proc/self/mountinfo | sed 's/^/mount /'
for folder in /run /var/lib/minirun/containers /var/lib/minirun/volumes; do
  [ -d $folder ] && find $folder -xdev
done
find /var/lib/minirun -xdev -maxdepth 4 -path '*snapshots/*' -o -xdev -maxdepth 4 -path '*ingest/*'
find /sys/fs/cgroup -type d | sed 's/^/cgroup /'
for p in /proc/[0-9]*; do
  command=$(tr '\\0' ' ' < $p/cmdline 2>/dev/null) || continue
  case "$command" in ''|'timeout '*|'bash '*|'sh '*|'find '*|'docker '*|*minirund*) continue;; esac
  echo "process $command"
done
true`;

/** Sorted, one thing a line. */
export async function present(daemon: DockerDaemon): Promise<string[]> {
  return (await daemon.inside(LIST)).split('\n').sort();
}

/**
 * Waits until there is nothing but what was there before.
 * @param except may stay
 * @throws Error that names what stays
 */
export async function nothingLeft(daemon: DockerDaemon, before: readonly string[], except?: RegExp): Promise<void> {
  let more: string[] = [];
  await eventually('nothing is left', async () => {
    const known = new Map<string, number>();
    for (const line of before) known.set(line, (known.get(line) ?? 0) + 1);
    more = [];
    for (const line of await present(daemon)) {
      const count = known.get(line) ?? 0;
      if (count === 0 && !except?.test(line)) more.push(line);
      else known.set(line, count - 1);
    }
    return more.length === 0;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; left behind:\n${more.join('\n')}`);
  });
}
