/** AppArmor profiles, where the kernel has AppArmor on (test/vm: MINIRUN_VM_APPARMOR=1, with Debian's package apparmor). */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { apparmorEnabled } from '../../src/runc/host/security-modules.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason =
  skipReason({ root: true, file: BUSYBOX }) ??
  (nativeAvailable() ? undefined : 'needs native/build/minirun-init') ??
  (apparmorEnabled() ? undefined : 'AppArmor is not enabled on this machine') ??
  skipReason({ program: 'apparmor_parser' });
if (reason) console.log(`apparmor: skipped, ${reason}`);

describe.skipIf(reason)('an AppArmor profile', () => {
  const folder = scratch('apparmor');
  const runtime = runtimeIn(join(folder, 'state'));
  const profile = `minirun-test-${newId().slice(0, 8)}`;
  const parse = (option: string) => {
    const text = `profile ${profile} flags=(attach_disconnected) {\n  file,\n  capability,\n  deny /etc/passwd r,\n}\n`;
    const done = spawnSync('apparmor_parser', [option, '--skip-cache', '--base', folder], { input: text, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`apparmor_parser ${option}: ${done.stderr}`);
  };
  beforeAll(() => parse('--replace'));
  afterAll(() => parse('--remove'));

  function withContainer<T>(args: string[], change: (c: Config) => void, act: (id: string, bundle: string) => T): T {
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(args, change));
    try {
      return act(id, bundle);
    } finally {
      runtime(['delete', '--force', id]);
      expect(tracesOf(id)).toEqual([]);
      rmSync(bundle, { recursive: true, force: true });
    }
  }
  const SCRIPT = ['sh', '-c', 'cat /proc/self/attr/current; cat /etc/passwd'];
  const enforced = ({ out, err }: Answer) => {
    expect(out).toBe(`${profile} (enforce)\n`);
    expect(err).toMatch(/passwd.*Permission denied/);
  };

  it.each([true, false])('holds for the command, with noNewPrivileges=%s', (noNewPrivileges) => {
    const change = (c: Config) => Object.assign(c.process as object, { apparmorProfile: profile, noNewPrivileges });
    enforced(withContainer(SCRIPT, change, (id, bundle) => runtime(['run', '--bundle', bundle, id])));
  });

  it('holds for an ordinary user, and for a further command', () => {
    const change = (c: Config) => Object.assign(c.process as object, { user: { uid: 1000, gid: 1000 } });
    withContainer(['sleep', '1000'], change, (id, bundle) => {
      expect(runtime(['run', '--detach', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      expect(runtime(['exec', id, 'cat', '/proc/self/attr/current']).out).toBe('unconfined\n');
      enforced(runtime(['exec', '--apparmor', profile, id, ...SCRIPT]));
    });
  });

  it('that is not loaded is an error that says so', () => {
    const change = (c: Config) => Object.assign(c.process as object, { apparmorProfile: 'minirun-nobody' });
    const { code, err } = withContainer(['true'], change, (id, bundle) => runtime(['create', '--bundle', bundle, id]));
    expect(code).toBe(1);
    expect(err).toMatch(/failed to apply profile.*no profile of that name/);
  });

  it('cannot be turned away by a file of the image in place of /proc (CVE-2019-16884)', () => {
    const change = (c: Config) => {
      Object.assign(c.process as object, { apparmorProfile: profile });
      c.mounts = c.mounts?.map((m) => (m.destination === '/proc' ? { destination: '/proc', type: 'tmpfs', source: 'tmpfs' } : m));
      c.linux = { ...c.linux, maskedPaths: [], readonlyPaths: [] };
    };
    const { code, err } = withContainer(['true'], change, (id, bundle) => runtime(['create', '--bundle', bundle, id]));
    expect(code).toBe(1);
    expect(err).toMatch(/procfs/);
  });

  it('cannot be turned away by a mount over the attribute (CVE-2025-52881)', () => {
    const change = (c: Config) => {
      Object.assign(c.process as object, { apparmorProfile: profile, args: ['true'] });
      c.mounts = [...(c.mounts ?? []), { destination: '/proc/1', type: 'tmpfs', source: 'tmpfs' }];
    };
    const { code, err } = withContainer(['true'], change, (id, bundle) => runtime(['create', '--bundle', bundle, id]));
    expect(code).toBe(1);
    expect(err).not.toBe('');
  });
});
