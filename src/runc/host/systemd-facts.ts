/**
 * What is known of systemd where it is asked to make the cgroups (`--systemd-cgroup`).
 * Sources: sd_booted(3), org.freedesktop.systemd1(5), busctl(1).
 */
import { lstatSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { SystemdFacts } from './facts.ts';

/** systemd is this machine's first process (sd_booted(3)). */
const booted = (): boolean => {
  try {
    return lstatSync('/run/systemd/system').isDirectory();
  } catch {
    return false;
  }
};

/** `s "252.39-1~deb12u2"` → 252. */
export const versionNumber = (text: string): number => Number(/(\d+)/.exec(text)?.[1] ?? 0);

/** Text of /proc/devices → names of drivers' groups as DeviceAllow= takes them: `c 136` → `char-pts`. */
export function deviceGroups(text: string): Record<string, string> {
  const groups: Record<string, string> = {};
  let type = '';
  for (const line of text.split('\n')) {
    if (/^Character/.test(line)) type = 'c';
    else if (/^Block/.test(line)) type = 'b';
    const entry = /^\s*(\d+) (\S+)$/.exec(line);
    // One number may have several drivers: any of their names will do.
    if (entry) groups[`${type} ${entry[1]}`] ??= `${type === 'c' ? 'char' : 'block'}-${entry[2]}`;
  }
  return groups;
}

/** Text of /proc/1/cgroup → the folder in each v1 hierarchy below which systemd's slices are. */
export function slicesBelow(text: string): Record<string, string> {
  const below: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    for (const name of names.split(',')) below[name] = path.replace(/\/init\.scope$/, '') || '/';
  }
  return below;
}

/**
 * Asks systemd, for root the machine's, for others their own.
 * @param rootless ask the user's own systemd
 * @param find the path of a program
 * @returns undefined where systemd does not run
 * @throws Error when it runs and does not answer
 */
export function readSystemdFacts(rootless: boolean, find: (name: string) => string | undefined): SystemdFacts | undefined {
  const busctl = find('busctl');
  const systemctl = find('systemctl');
  if (!booted() || !busctl || !systemctl) return undefined;
  // Loaded when it is needed: most starts ask nobody.
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
  const args = [...(rootless ? ['--user'] : []), 'get-property', ...manager, 'Version', 'ControlGroup'];
  const answer = spawnSync(busctl, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
  const [version, group] = (answer.stdout ?? '').split('\n');
  if (answer.status !== 0 || !version)
    throw new Error(
      `asking systemd for its version failed: ${(answer.stderr || answer.error?.message || 'no answer').trim()}; usual cause: ${
        rootless
          ? 'this user has no session with a message bus: apt install dbus-user-session, then log in again'
          : 'the message bus does not run: systemctl start dbus'
      }`,
    );
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  return {
    user: rootless,
    version: versionNumber(version),
    controlGroup: rootless ? (/"(.*)"/.exec(group ?? '')?.[1] ?? '') : '',
    below: slicesBelow(read('/proc/1/cgroup')),
    deviceGroups: deviceGroups(read('/proc/devices')),
    busctl,
    systemctl,
  };
}
