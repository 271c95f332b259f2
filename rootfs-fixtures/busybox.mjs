/**
 * A root filesystem of one static program: Debian's busybox, and a link for each of its applets.
 * Two megabytes, made in a moment, by any user.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { which } from '../scripts/shell.mjs';

const FOLDERS = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'etc', 'proc', 'sys', 'dev', 'root', 'home/alice', 'var', 'run', 'mnt'];

const FILES = {
  'etc/passwd': `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
nobody:x:65534:65534:nobody:/:/bin/false
alice:x:1000:1000:Alice:/home/alice:/bin/sh
`,
  'etc/group': `root:x:0:
daemon:x:1:
tty:x:5:
users:x:100:alice
alice:x:1000:
nogroup:x:65534:
`,
  'etc/hostname': 'busybox\n',
  'etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost\n',
  'etc/resolv.conf': '',
  'etc/os-release': 'ID=busybox\nNAME=BusyBox\nPRETTY_NAME="BusyBox, from Debian\'s busybox-static"\n',
};

/** True when the executable needs no shared library, which the root filesystem would not have. */
function isStatic(path) {
  const file = readFileSync(path);
  const headers = Number(file.readBigUInt64LE(32));
  const [size, count] = [file.readUInt16LE(54), file.readUInt16LE(56)];
  const PT_INTERP = 3;
  return Array.from({ length: count }, (_, i) => file.readUInt32LE(headers + i * size)).every((type) => type !== PT_INTERP);
}

/**
 * Makes the root filesystem at `folder` unless it is there and newer than the busybox it is made of.
 * @returns {string | undefined} why it cannot be made
 */
export function busybox(folder) {
  const source = which('busybox');
  if (!source || !isStatic(source)) return 'a static busybox is not installed: apt-get install busybox-static';
  const made = join(folder, 'etc', 'os-release');
  if (existsSync(made) && statSync(made).mtimeMs > Math.max(statSync(source).mtimeMs, statSync(new URL(import.meta.url)).mtimeMs))
    return undefined;
  const applets = spawnSync(source, ['--list'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
  mkdirSync(dirname(folder), { recursive: true });
  // Made beside its place and moved there: another test may be using the old one, or making it too.
  const temporary = mkdtempSync(`${folder}.`);
  const umask = process.umask(0o022);
  for (const name of FOLDERS) mkdirSync(join(temporary, name), { recursive: true });
  copyFileSync(source, join(temporary, 'bin', 'busybox'));
  chmodSync(join(temporary, 'bin', 'busybox'), 0o755);
  for (const applet of applets) {
    // It lists itself as well.
    if (applet !== 'busybox') symlinkSync('busybox', join(temporary, 'bin', applet));
  }
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(temporary, name), text);
  mkdirSync(join(temporary, 'tmp'));
  chmodSync(join(temporary, 'tmp'), 0o1777);
  chmodSync(join(temporary, 'root'), 0o700);
  chmodSync(temporary, 0o755);
  if (process.getuid?.() === 0) chownSync(join(temporary, 'home/alice'), 1000, 1000);
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
  renameSync(temporary, folder);
  return undefined;
}
