/** Images and volumes that try to lead a mount, a device or a write elsewhere. */
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId, plainConfig, run } from './support/box.ts';
import { BUSYBOX, PROJECT, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`security-mounts: skipped, ${reason}`);

describe.skipIf(reason)('mounts of hostile images', () => {
  const folder = scratch('security-mounts');
  const runtime = runtimeIn(join(folder, 'state'));
  const victim = join(folder, 'victim');
  mkdirSync(victim);
  writeFileSync(join(victim, 'treasure'), 'gold');
  const image = (): string => {
    const copy = join(folder, `image-${newId().slice(0, 8)}`);
    cpSync(BUSYBOX, copy, { recursive: true, verbatimSymlinks: true });
    return copy;
  };
  const start = (script: string, change: (config: Config) => void) => {
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(['/bin/sh', '-c', script], change));
    const answer = runtime(['run', id], { cwd: bundle });
    runtime(['delete', '--force', id]);
    expect(tracesOf(id)).toEqual([]);
    expect(readdirSync(victim)).toEqual(['treasure']);
    return answer;
  };

  it.each([
    ['an absolute link', () => victim, '/trap/x'],
    ['a link that climbs', () => `../../../../../../../../../..${victim}`, '/trap/x'],
    ['a link at the very end', () => victim, '/trap'],
    ['dots in the destination', () => victim, '/etc/../../../../trap/../trap/x'],
  ])('CVE-2021-30465: %s leads nowhere but inside', (_, target, destination) => {
    const rootfs = image();
    symlinkSync(target(), join(rootfs, 'trap'));
    const answer = start(`grep -c ' - tmpfs secret ' /proc/self/mountinfo; cat ${victim}/treasure 2>/dev/null || echo not seen`, (c) => {
      c.root = { path: rootfs };
      c.mounts?.push({ destination, type: 'tmpfs', source: 'secret' });
    });
    expect(answer.out, answer.err).toBe('1\nnot seen\n');
  });

  it('CVE-2021-30465: a file that is a link, as the target of a bind mount', () => {
    const rootfs = image();
    symlinkSync(join(victim, 'treasure'), join(rootfs, 'trap'));
    const answer = start(`cat ${victim}/treasure`, (c) => {
      c.root = { path: rootfs };
      c.mounts?.push({ destination: '/trap', source: join(BUSYBOX, 'etc/passwd'), options: ['bind'] });
    });
    expect(answer.out, answer.err).toBe(readFileSync(join(BUSYBOX, 'etc/passwd'), 'utf8'));
    expect(readFileSync(join(victim, 'treasure'), 'utf8')).toBe('gold');
  });

  it.each(['sys/kernel', 'self/attr', 'sys/net'])('CVE-2019-16884: a link to /proc/%s takes no mount', (target) => {
    const rootfs = image();
    symlinkSync(`/proc/${target}`, join(rootfs, 'trap'));
    for (const mount of [
      { destination: '/trap', type: 'tmpfs' },
      { destination: '/trap', source: victim, options: ['bind'] },
    ]) {
      const answer = start('true', (c) => {
        c.root = { path: rootfs };
        c.mounts?.push(mount);
      });
      expect(answer.code).toBe(1);
      // Some of them do not exist for a process that may not look.
      expect(answer.err).toMatch(/leads into \/proc|ENOENT|EACCES/);
    }
  });

  it('CVE-2019-19921: /proc takes no folder of the host, and no link', () => {
    const fake = join(folder, 'fake-proc');
    mkdirSync(join(fake, 'self/attr'), { recursive: true });
    const answer = start('true', (c) => {
      for (const m of c.mounts ?? []) if (m.destination === '/proc') Object.assign(m, { type: 'none', source: fake, options: ['rbind'] });
    });
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(/is no procfs/);
    for (const type of ['tmpfs', 'sysfs'])
      expect(start('true', (c) => void c.mounts?.push({ destination: '/proc', type })).err).toMatch(/#\/mounts\/7\/destination/);
    const rootfs = image();
    rmSync(join(rootfs, 'proc'), { recursive: true, force: true });
    mkdirSync(join(rootfs, 'elsewhere'));
    symlinkSync('elsewhere', join(rootfs, 'proc'));
    for (const options of [['rbind'], undefined]) {
      const linked = start('true', (c) => {
        c.root = { path: rootfs };
        if (options)
          for (const m of c.mounts ?? []) if (m.destination === '/proc') Object.assign(m, { type: 'none', source: '/proc', options });
      });
      expect([linked.code, linked.err]).toEqual([1, expect.stringContaining('ELOOP')]);
    }
  });

  it('CVE-2019-19921: the files of a volume cannot stand for the settings of a process', () => {
    for (const destination of ['/proc/self/attr', '/proc/sys', '/proc/1/../sys', 'proc/./sysrq-trigger'])
      expect(start('true', (c) => void c.mounts?.push({ destination, source: victim, options: ['bind'] })).err).toMatch(
        /no path in \/proc but/,
      );
  });

  it('a masked path that is a link out of the image hides a place inside', () => {
    const rootfs = image();
    symlinkSync(victim, join(rootfs, 'hidden'));
    mkdirSync(join(rootfs, victim), { recursive: true });
    writeFileSync(join(rootfs, victim, 'inner'), '');
    const answer = start(`ls ${victim} | wc -l`, (c) => {
      c.root = { path: rootfs };
      c.linux!.maskedPaths = ['/hidden'];
      c.linux!.readonlyPaths = [victim];
    });
    expect(answer.out, answer.err).toBe('0\n');
  });

  it('CVE-2025-31133: what hides a path must be the null device', () => {
    for (const make of [
      (path: string) => writeFileSync(path, ''),
      (path: string) => symlinkSync('/etc/passwd', path),
      (path: string) => void spawnSync('mknod', [path, 'c', '1', '5']),
    ]) {
      const dev = join(folder, `dev-${newId().slice(0, 8)}`);
      mkdirSync(dev);
      make(join(dev, 'null'));
      const answer = start('true', (c) => {
        c.mounts = (c.mounts ?? []).filter((m) => !m.destination.startsWith('/dev'));
        c.mounts.push({ destination: '/dev', source: dev, options: ['bind'] });
      });
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(/is not the device 1:3/);
    }
  });

  it('/dev/null of the image is looked at as well, where the image has its own /dev', () => {
    const rootfs = image();
    rmSync(join(rootfs, 'dev'), { recursive: true, force: true });
    mkdirSync(join(rootfs, 'dev'));
    symlinkSync('/etc/passwd', join(rootfs, 'dev/null'));
    const answer = start('true', (c) => {
      c.root = { path: rootfs };
      c.mounts = (c.mounts ?? []).filter((m) => !m.destination.startsWith('/dev'));
    });
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(/\/dev\/null exists in the image and is something else/);
  });

  it('a link in the place of a device takes no bind mount in a user namespace', () => {
    const rootfs = image();
    rmSync(join(rootfs, 'dev'), { recursive: true, force: true });
    mkdirSync(join(rootfs, 'dev'));
    symlinkSync('/etc/passwd', join(rootfs, 'dev/full'));
    spawnSync('chown', ['-hR', '100000:100000', rootfs]);
    const answer = start('true', (c) => {
      c.root = { path: rootfs };
      c.mounts = (c.mounts ?? []).filter((m) => !m.destination.startsWith('/dev'));
      c.linux?.namespaces?.push({ type: 'user' });
      Object.assign(c.linux ?? {}, {
        uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
        gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      });
    });
    expect([answer.code, answer.err]).toEqual([1, expect.stringContaining('ELOOP')]);
  });

  it('standard streams that are the null device of the host are those of the container: chmod stays inside', () => {
    const host = join(folder, 'null-of-the-host');
    spawnSync('mknod', ['-m', '666', host, 'c', '1', '3']);
    const mode = () => (statSync(host).mode & 0o777).toString(8);
    const held = openSync(host, 'r+');
    const script = 'for n in 0 1 2; do chmod 600 /proc/self/fd/$n; done; chmod 640 /dev/null; stat -c %a /dev/null > /report';
    const rootfs = image();
    const id = newId();
    const bundle = writeBundle(
      join(folder, id),
      id,
      bundleConfig(['/bin/sh', '-c', `${script}; exec sleep 60`], (c) => void (c.root = { path: rootfs })),
    );
    const call = (args: string[]) =>
      spawnSync(MINIRUN_RUNC, ['--root', join(folder, 'state'), ...args], {
        cwd: bundle,
        stdio: [held, held, held],
        env: { PATH: process.env.PATH ?? '' },
      });
    try {
      expect(call(['run', '--detach', id]).status).toBe(0);
      const deadline = Date.now() + 10_000;
      while (!existsSync(join(rootfs, 'report')) || !readFileSync(join(rootfs, 'report'), 'utf8')) {
        if (Date.now() > deadline) throw new Error('the container says nothing');
        spawnSync('sleep', ['0.05']);
      }
      expect(readFileSync(join(rootfs, 'report'), 'utf8')).toBe('640\n');
      expect(mode()).toBe('666');
      expect(call(['exec', id, '/bin/sh', '-c', 'chmod 600 /proc/self/fd/0 && stat -c %a /dev/null > /report2']).status).toBe(0);
      expect(readFileSync(join(rootfs, 'report2'), 'utf8')).toBe('600\n');
      expect(call(['exec', id, '/bin/sh', '-c', 'rm /dev/null']).status).toBe(0);
      call(['exec', id, '/bin/sh', '-c', 'chmod 600 /proc/self/fd/0; cat; echo done > /report3']);
      expect(readFileSync(join(rootfs, 'report3'), 'utf8')).toBe('done\n');
      expect(mode()).toBe('666');
    } finally {
      closeSync(held);
      runtime(['delete', '--force', id]);
    }
    expect(tracesOf(id)).toEqual([]);
  });

  it('tmpcopyup copies links as links', () => {
    const rootfs = image();
    mkdirSync(join(rootfs, 'filled'));
    symlinkSync(victim, join(rootfs, 'filled/folder'));
    symlinkSync(join(victim, 'treasure'), join(rootfs, 'filled/file'));
    const answer = start('cat /filled/file /filled/folder/treasure 2>/dev/null; readlink /filled/file', (c) => {
      c.root = { path: rootfs };
      c.mounts?.push({ destination: '/filled', type: 'tmpfs', options: ['tmpcopyup'] });
    });
    expect(answer.out, answer.err).toBe(`${join(victim, 'treasure')}\n`);
  });

  describe('a race', () => {
    const ROUNDS = 40;
    /** Two containers have this folder; the other one exchanges a folder in it for a link, all the time. */
    const shared = join(folder, 'shared');
    mkdirSync(join(shared, 'place'), { recursive: true });
    symlinkSync(victim, join(shared, 'link'));
    const config = (id: string): Config => {
      const c = plainConfig(['/bin/sh', '-c', `grep -c ' - tmpfs secret ' /proc/self/mountinfo; ls ${victim} 2>/dev/null`], id);
      c.mounts?.push(
        { destination: '/shared', source: shared, options: ['rbind'] },
        { destination: '/shared/place', type: 'tmpfs', source: 'secret', options: ['mode=700'] },
      );
      return c;
    };
    /** What runtimes did before the hole was known: a path that the kernel resolves from the host's root. */
    const trusting = (program: Program): Program => ({
      ...program,
      steps: program.steps.map((s): Step => {
        const how = s.call.args[2];
        if (s.actor !== 'init' || s.call.name !== 'openat2' || how?.kind !== 'struct') return s;
        const fields = how.fields.map((f) => (f.name === 'resolve' ? { ...f, value: { kind: 'int', value: 0 } as const } : f));
        return { ...s, call: { ...s.call, args: s.call.args.map((a, i) => (i === 2 ? { ...how, fields } : a)) } };
      }),
    });

    it('is lost by whoever trusts a path: the mount leaves the container', async () => {
      const id = newId();
      rmSync(join(shared, 'place'), { recursive: true, force: true });
      symlinkSync(victim, join(shared, 'place'));
      try {
        expect((await run(config(id), { id, alter: trusting })).out).toBe('0\n');
      } finally {
        rmSync(join(shared, 'place'));
        mkdirSync(join(shared, 'place'));
      }
    });

    it(`between a folder and a link is never won, in ${ROUNDS} starts`, { timeout: 300_000 }, async () => {
      // Both names exist at every moment (renameat2(2), RENAME_EXCHANGE), so whatever comes of it comes of the race.
      const swapper = spawn(
        process.execPath,
        [
          '-e',
          `const exchange = require('koffi').load(null).func('int renameat2(int, str, int, str, uint)');
           process.chdir(process.argv[1]);
           for (;;) if (exchange(-100, 'place', -100, 'link', 2)) process.exit(1);`,
          shared,
        ],
        { stdio: ['ignore', 'ignore', 'inherit'], cwd: PROJECT },
      );
      const gone = new Promise((resolve) => swapper.on('exit', resolve));
      let made = 0;
      let refused = 0;
      try {
        for (let round = 0; round < ROUNDS; round++) {
          const id = newId();
          const ended = await run(config(id), { id }).then(
            (answer) => answer,
            (error: Error) => error,
          );
          if (ended instanceof Error) {
            refused++;
            expect(ended.message).toMatch(/ENOENT|ELOOP|EEXIST|ENOTDIR|EXDEV|EAGAIN/);
          } else {
            made++;
            expect(ended.out).toBe('1\n');
          }
          expect(tracesOf(id)).toEqual([]);
          expect(readdirSync(victim)).toEqual(['treasure']);
        }
      } finally {
        swapper.kill('SIGKILL');
        await gone;
      }
      expect(swapper.signalCode).toBe('SIGKILL'); // it was at it to the end
      expect(made + refused).toBe(ROUNDS);
      expect(made).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
    });
  });
});
