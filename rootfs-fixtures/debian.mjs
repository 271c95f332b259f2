/** A root filesystem of Debian 12, as small as debootstrap makes it (about 150 MB). As root, a minute or two, kept. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attempt, which } from '../scripts/shell.mjs';

const SUITE = 'bookworm';

/** The mirror that this machine's own apt uses for Debian, so that a proxy or a local mirror is honoured. */
function mirror() {
  const folder = '/etc/apt/sources.list.d';
  const lists = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((f) => join(folder, f)) : [])];
  for (const list of lists.filter((l) => existsSync(l))) {
    const text = readFileSync(list, 'utf8');
    const uri = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+\/debian\/?)\s+bookworm\s/m.exec(text) ?? /^URIs:\s*(\S+\/debian\/?)\s*$/m.exec(text);
    if (uri) return uri[1];
  }
  return undefined;
}

/**
 * Makes the root filesystem at `folder` unless it is there.
 * @returns {string | undefined} why it cannot be made
 */
export function debian(folder) {
  if (existsSync(join(folder, 'etc', 'debian_version'))) return undefined;
  const debootstrap = which('debootstrap');
  if (!debootstrap) return 'debootstrap is not installed: apt-get install debootstrap';
  if (process.getuid?.() !== 0) return 'debootstrap makes device nodes, which only root may';
  mkdirSync(dirname(folder), { recursive: true });
  const temporary = mkdtempSync(`${folder}.`);
  const from = mirror();
  console.error(`debootstrap: Debian ${SUITE} into ${folder}`);
  // The second stage runs in a chroot and mounts /proc there: a mount namespace takes that away again, however it ends.
  const argv = ['--mount', '--propagation', 'private', debootstrap, '--variant=minbase', SUITE, temporary, ...(from ? [from] : [])];
  const code = attempt('unshare', argv, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, LC_ALL: 'C' } });
  if (code !== 0) {
    rmSync(temporary, { recursive: true, force: true });
    return `debootstrap ended with exit code ${code}`;
  }
  for (const name of readdirSync(join(temporary, 'var/cache/apt/archives'))) {
    if (name.endsWith('.deb')) rmSync(join(temporary, 'var/cache/apt/archives', name));
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(temporary, folder);
  return undefined;
}
