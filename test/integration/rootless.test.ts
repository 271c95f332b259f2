/** Containers of an ordinary user: no root anywhere, native engine. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { BUSYBOX, isRoot, minirunIn, ORDINARY, scratch, skipReason } from './support/minirun.ts';

const reason = skipReason({ file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`rootless: skipped, ${reason}`);

const uid = isRoot ? ORDINARY : undefined;
const me = uid ?? process.getuid?.();

describe.skipIf(reason)('an ordinary user', () => {
  const folder = scratch('rootless');
  const { minirun } = minirunIn(join(folder, 'state'));
  const as = uid === undefined ? {} : { uid };
  // Its own copy: mount points are made in it by the user.
  const rootfs = join(folder, 'rootfs');
  beforeAll(() => {
    spawnSync('cp', ['-a', BUSYBOX, rootfs]);
    if (uid) spawnSync('chown', ['-R', `${uid}:${uid}`, rootfs]);
  });

  it('runs a container in which it is root, and is nobody special outside', () => {
    const answer = minirun(
      [
        'run',
        '--rm',
        rootfs,
        '/bin/sh',
        '-c',
        'id -u; echo $$; hostname | wc -c; cat /proc/self/uid_map; ls /dev | wc -l; touch /made; mount -t tmpfs t /tmp 2>&1 && echo mounted; echo 1 > /proc/sys/kernel/panic || echo no',
      ],
      as,
    );
    expect(answer.code).toBe(0);
    const [id, pid] = answer.out.split('\n');
    expect([id, pid]).toEqual(['0', '1']);
    expect(answer.out).toMatch(new RegExp(`0 +${me} +1`));
    expect(answer.out).toContain('no');
    expect(existsSync(join(rootfs, 'made'))).toBe(true);
    expect(spawnSync('stat', ['-c', '%u', join(rootfs, 'made')], { encoding: 'utf8' }).stdout.trim()).toBe(String(me));
  });

  it('has namespaces of its own, a loopback that works, and the host network on request', () => {
    const own = minirun(['run', '--rm', rootfs, '/bin/sh', '-c', 'ip addr show lo | grep -c "inet 127"; ls /sys/class/net | wc -l'], as);
    expect(own.out).toBe('1\n1\n');
    const host = minirun(['run', '--rm', '--network', 'host', rootfs, 'readlink', '/proc/self/ns/net'], as);
    expect(host.out.trim()).toBe(spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).stdout.trim());
  });

  it('detached, exec, stop, rm', () => {
    expect(minirun(['run', '-d', '--name', 'r', rootfs, 'sleep', '60'], as)).toMatchObject({ code: 0, err: '' });
    expect(minirun(['exec', 'r', '/bin/sh', '-c', 'id -u; ps | grep -c "sleep 60"'], as).out.split('\n')[0]).toBe('0');
    expect(minirun(['stop', '-t', '0', 'r'], as).code).toBe(0);
    expect(minirun(['rm', 'r'], as).code).toBe(0);
  });

  it('a limit that it may not set is refused before anything is made, when cgroups are not delegated', () => {
    const delegated = spawnSync('sh', ['-c', 'test -w /sys/fs/cgroup/cgroup.procs'], uid ? { uid } : {}).status === 0;
    if (delegated) return console.log('rootless: limits are delegated here, their refusal is not tested');
    const answer = minirun(['run', '--rm', '-m', '64m', rootfs, 'true'], as);
    expect(answer.code).toBe(125);
    expect(answer.err).toMatch(/cgroup/);
  });

  it('explains itself', () => {
    const answer = minirun(['run', '--rm', '--explain', rootfs, 'echo', 'out'], as);
    expect(answer.out).toBe('out\n');
    expect(answer.err).toMatch(/CLONE_NEWUSER/);
    expect(answer.err).toMatch(/uid_map/);
    expect(answer.code).toBe(0);
  });

  describe.skipIf(!isRoot || skipReason({ program: 'newuidmap' }))('with sub-ids', () => {
    const files = ['/etc/subuid', '/etc/subgid', '/etc/passwd'];
    beforeAll(() => {
      // newuidmap looks its caller up by name and in these files: they are put back afterwards.
      for (const file of files) {
        if (existsSync(file)) copyFileSync(file, join(folder, file.replaceAll('/', '_')));
        else writeFileSync(join(folder, `${file.replaceAll('/', '_')}.absent`), '');
      }
      appendFileSync('/etc/passwd', `minirun-test:x:${ORDINARY}:${ORDINARY}::/tmp:/bin/sh\n`);
      for (const file of files.slice(0, 2)) appendFileSync(file, 'minirun-test:700000:65536\n');
    });
    afterAll(() => {
      for (const file of files) {
        const saved = join(folder, file.replaceAll('/', '_'));
        if (existsSync(saved)) writeFileSync(file, readFileSync(saved));
        else rmSync(file, { force: true });
      }
    });

    it('maps a whole range through newuidmap', () => {
      const answer = minirun(
        ['run', '--rm', rootfs, '/bin/sh', '-c', 'cat /proc/self/uid_map; touch /tmp/f; chown 1000:1000 /tmp/f && stat -c %u /tmp/f'],
        as,
      );
      expect(answer.err).toBe('');
      expect(answer.out).toMatch(/1 +700000 +65536/);
      expect(answer.out).toMatch(/1000\n$/);
    });

    it('another user inside', () => {
      expect(minirun(['run', '--rm', '--user', 'alice', rootfs, 'id', '-u'], as)).toMatchObject({ code: 0, out: '1000\n' });
    });
  });
});
