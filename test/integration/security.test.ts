/** The attacks that taught runc and crun their rules, mounted against a container of ours. */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUSYBOX, minirunIn, PROJECT, scratch, skipReason } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX });
if (reason) console.log(`security: skipped, ${reason}`);

describe.skipIf(reason)('hostile images and options', () => {
  const folder = scratch('security');
  const { minirun } = minirunIn(join(folder, 'state'));
  const image = (name: string): string => {
    const rootfs = join(folder, name);
    cpSync(BUSYBOX, rootfs, { recursive: true, verbatimSymlinks: true });
    return rootfs;
  };

  it('CVE-2024-21626: a working directory through a leaked descriptor', () => {
    for (let fd = 3; fd < 20; fd++) {
      const answer = minirun([
        'run',
        '--rm',
        '-w',
        `/proc/self/fd/${fd}`,
        BUSYBOX,
        '/bin/sh',
        '-c',
        'ls ../../../../../../etc/passwd; pwd',
      ]);
      // Descriptor 3 is a socket, the others are closed: there is nothing to stand in.
      expect(answer.code, `fd ${fd}`).toBe(125);
      expect(answer.err).toMatch(/ENOENT|ENOTDIR/);
    }
  });

  it('no descriptor leaks into the command', () => {
    expect(minirun(['run', '--rm', BUSYBOX, '/bin/sh', '-c', 'ls /proc/self/fd']).out.trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  it('CVE-2019-5736: an entrypoint that is the runtime itself finds a sealed copy, not the host file', () => {
    const binary = join(PROJECT, 'native/build/minirun-init');
    const digest = () => createHash('sha256').update(readFileSync(binary)).digest('hex');
    const before = digest();
    const rootfs = image('self-exe');
    writeFileSync(join(rootfs, 'evil'), '#!/proc/self/exe\n');
    chmodSync(join(rootfs, 'evil'), 0o755);
    const answer = minirun(['run', '--rm', rootfs, '/evil']);
    expect(answer.code).not.toBe(0);
    expect(digest()).toBe(before);
  });

  it('CVE-2019-19921: /proc and /sys as links are refused', () => {
    for (const place of ['proc', 'sys']) {
      const rootfs = image(`link-${place}`);
      rmSync(join(rootfs, place), { recursive: true, force: true });
      mkdirSync(join(rootfs, 'other'));
      symlinkSync('other', join(rootfs, place));
      const answer = minirun(['run', '--rm', rootfs, 'true']);
      expect(answer.code).toBe(125);
      expect(answer.err).toContain('ELOOP');
    }
  });

  it('CVE-2021-30465: /dev as a link leads nowhere but inside', () => {
    const rootfs = image('link-dev');
    const victim = join(folder, 'victim');
    mkdirSync(victim);
    rmSync(join(rootfs, 'dev'), { recursive: true, force: true });
    symlinkSync(victim, join(rootfs, 'dev'));
    const answer = minirun(['run', '--rm', rootfs, '/bin/sh', '-c', 'echo x > /dev/null && ls /dev/']);
    expect(answer.err).toBe('');
    expect(answer.out).toContain('urandom');
    expect(existsSync(join(victim, 'null'))).toBe(false);
  });

  it('a masked path that is a link hides what it points to, inside only', () => {
    const rootfs = image('link-mask');
    const victim = join(folder, 'secret');
    writeFileSync(victim, 'of the host');
    writeFileSync(join(rootfs, 'inner'), 'secret');
    symlinkSync('inner', join(rootfs, 'masked'));
    symlinkSync(victim, join(rootfs, 'outside'));
    const config = JSON.parse(minirun(['spec', rootfs, '/bin/sh', '-c', 'cat /inner | wc -c']).out);
    config.linux.maskedPaths.push('/masked', '/outside', '/not/there');
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(config));
    const answer = minirun(['run', '--rm', '--config', file, rootfs]);
    expect(answer.err).toBe('');
    expect(answer.out.trim()).toBe('0');
    expect(readFileSync(victim, 'utf8')).toBe('of the host');
  });

  it('what hides a masked path is not the null device of the host', () => {
    const before = statSync('/dev/null').ctimeMs;
    const answer = minirun([
      'run',
      '--rm',
      BUSYBOX,
      '/bin/sh',
      '-c',
      'chmod 600 /proc/keys; chmod 600 /dev/null; ls -l /dev/null | cut -c1-10',
    ]);
    expect(answer.err).toMatch(/\/proc\/keys: Read-only file system/);
    expect(answer.out.trim()).toBe('crw-------'); // its own device is its own
    expect(statSync('/dev/null').ctimeMs).toBe(before);
    expect(statSync('/dev/null').mode & 0o777).toBe(0o666);
  });

  it('CVE-2025-52881: a sysctl cannot be redirected by what is mounted at /proc', () => {
    const config = JSON.parse(minirun(['spec', '--sysctl', 'net.ipv4.ip_forward=1', BUSYBOX, 'true']).out);
    config.mounts.push({ destination: '/proc', type: 'none', source: folder, options: ['bind'] });
    const file = join(folder, 'sysctl.json');
    writeFileSync(file, JSON.stringify(config));
    const answer = minirun(['run', '--rm', '--config', file, BUSYBOX, 'true']);
    expect(answer.code).toBe(125);
    expect(answer.err).toMatch(/no procfs/);
  });

  it('what the container mounts stays in it', () => {
    const answer = minirun([
      'run',
      '--rm',
      '--cap-add',
      'SYS_ADMIN',
      BUSYBOX,
      '/bin/sh',
      '-c',
      'mount -t tmpfs t /mnt && mount --make-rshared / && mount -t tmpfs t /tmp && echo done',
    ]);
    expect(answer.out).toBe('done\n');
    const here = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    expect(here.filter((line) => line.includes(folder) || line.includes(BUSYBOX))).toEqual([]);
  });

  it('a container cannot reach the disks of the host by making their device files', () => {
    const answer = minirun(['run', '--rm', '--cap-add', 'MKNOD', BUSYBOX, '/bin/sh', '-c', 'mknod /tmp/disk b 254 0; head -c 1 /tmp/disk']);
    expect(answer.code).not.toBe(0);
    expect(answer.err).toMatch(/not permitted/i);
  });
});
