/** Cgroups that tests leave behind when they fail, which would disturb the next ones. */
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names that the suites give to cgroups and containers. */
const NAMES = /^(test[-_]\w+|runc-cgroups-integration-test|frozen)$/;

const folders = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
  } catch {
    return [];
  }
};

/** Mount points of all cgroup hierarchies, and minirun's own folder in each, where containers without a cgroupsPath go. */
function parents(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounts = lines.filter((l) => / - cgroup2? /.test(l)).map((l) => l.split(' ')[4] ?? '');
  return mounts.flatMap((m) => [m, join(m, 'minirun')]);
}

/** Cgroups of the tests' names that exist now. */
export const testCgroups = (): Set<string> =>
  new Set(
    parents().flatMap((p) =>
      folders(p)
        .filter((n) => NAMES.test(n))
        .map((n) => join(p, n)),
    ),
  );

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Gone already, or somebody is in it: then it stays, and the next test may say so.
  }
}

function remove(cgroup: string): void {
  // Nothing in a frozen cgroup can die.
  attempt(() => writeFileSync(join(cgroup, 'freezer.state'), 'THAWED'));
  for (const child of folders(cgroup)) remove(join(cgroup, child));
  attempt(() => rmdirSync(cgroup));
}

/** Removes the tests' cgroups that were not there before and hold no process any more. */
export function removeNewCgroups(before: Set<string>): void {
  for (const cgroup of testCgroups()) if (!before.has(cgroup)) remove(cgroup);
}
