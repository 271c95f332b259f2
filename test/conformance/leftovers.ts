/** Cgroups that tests leave behind when they fail, which would disturb the next ones. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Names that the suites give to cgroups and containers. */
const NAMES = /^(test[-_]\w+|runc-cgroups-integration-test|frozen)$/;

/** Those that nobody else uses: they go although an earlier run left them. */
const OURS = /\/(runc-cgroups-integration-test|frozen)$/;

/** Milliseconds that killed processes have to leave a cgroup once it is thawed. */
const PATIENCE = 1000;

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

/** Nothing in a frozen cgroup can die, not of SIGKILL either, in version 1. */
function thaw(cgroup: string): void {
  if (existsSync(join(cgroup, 'freezer.state'))) attempt(() => writeFileSync(join(cgroup, 'freezer.state'), 'THAWED'));
  for (const child of folders(cgroup)) thaw(join(cgroup, child));
}

function remove(cgroup: string): void {
  for (const child of folders(cgroup)) remove(join(cgroup, child));
  attempt(() => rmdirSync(cgroup));
}

/** Removes the tests' cgroups that were not there before, as soon as no process is in them. */
export async function removeNewCgroups(before: Set<string>): Promise<void> {
  const left = () => [...testCgroups()].filter((c) => !before.has(c) || OURS.test(c));
  const end = Date.now() + PATIENCE;
  for (const cgroup of left()) thaw(cgroup);
  for (;;) {
    for (const cgroup of left()) remove(cgroup);
    if (!left().length || Date.now() > end) return;
    await setTimeout(50);
  }
}
