/** The images that runc's tests would download, made of Debian's packages instead. */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../src/runc/host/probe.ts';
import { made, must } from './cache.ts';

// No /proc and no /sys: the tests of masked paths put links there.
const FOLDERS = ['bin', 'dev', 'etc', 'home', 'root', 'tmp', 'usr/sbin', 'var/spool/mail', 'var/www'];

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;

const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
tty:x:5:
mail:x:8:
www-data:x:33:
users:x:100:
nobody:x:65534:
`;

const pack = (tree: string, file: string) => must(['tar', '-C', tree, '--owner=0', '--group=0', '--numeric-owner', '-cJf', file, '.']);

/** A tar.xz of busybox with a hard link for each applet, as Docker's busybox image has it. */
function busyboxImage(folder: string): void {
  const source = findProgram('busybox');
  if (!source) throw new Error('busybox is not installed: apt-get install busybox-static');
  const tree = join(folder, 'busybox');
  for (const name of FOLDERS) mkdirSync(join(tree, name), { recursive: true });
  const program = join(tree, 'bin', 'busybox');
  copyFileSync(source, program);
  chmodSync(program, 0o755);
  for (const applet of spawnSync(source, ['--list'], { encoding: 'utf8' }).stdout.split('\n')) {
    if (applet && applet !== 'busybox') linkSync(program, join(tree, 'bin', applet));
  }
  writeFileSync(join(tree, 'etc/passwd'), PASSWD);
  writeFileSync(join(tree, 'etc/group'), GROUP);
  chmodSync(join(tree, 'tmp'), 0o1777);
  chmodSync(join(tree, 'root'), 0o700);
  chmodSync(tree, 0o755);
  pack(tree, join(folder, 'busybox.tar.xz'));
}

/** Both images, as busybox.tar.xz and debian.tar.xz of a folder. */
export const images = (cache: string): string =>
  made(join(cache, 'images'), 'making the images: busybox, and Debian with mmdebstrap (a minute)', () => {
    const folder = join(cache, 'images');
    mkdirSync(folder, { recursive: true });
    busyboxImage(folder);
    must(['mmdebstrap', '--variant=essential', '--include=mount', 'bookworm', join(folder, 'debian.tar.xz')]);
  });
