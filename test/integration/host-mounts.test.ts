/** A container without a mount namespace of its own: it mounts among the host's mounts, and takes all of that away again. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { MNT, MS } from '../../src/libc/flags.ts';
import { mount, unmount } from '../../src/libc/mount.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { parseMountInfo } from '../../src/runc/host/mountinfo.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, PROJECT, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, leaveNothing, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`host-mounts: skipped, ${reason}`);

/** Where something is mounted in the rootfs, the rootfs itself included. */
const mounted = (root = BUSYBOX): string[] =>
  parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).flatMap((m) => (`${m.point}/`.startsWith(`${root}/`) ? [m.point] : []));

describe.skipIf(reason)('a container without a mount namespace', () => {
  const folder = scratch('host-mounts');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  leaveNothing(runtime);

  const shared = (args: string[], change: (config: Config) => void = () => {}): Config =>
    bundleConfig(args, (c) => {
      c.linux = { ...c.linux, namespaces: c.linux?.namespaces?.filter((n) => n.type !== 'mount') ?? [] };
      change(c);
    });
  const bundleOf = (id: string, config: Config): string => writeBundle(join(folder, id), id, config);
  const nothingIsLeft = (id: string): void => {
    expect(runtime(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
    expect(mounted()).toEqual([]);
    expect(tracesOf(id)).toEqual([]);
  };

  it('has the mounts that it asks for, among those of the host, until it is deleted', () => {
    const id = newId();
    const bundle = bundleOf(
      id,
      shared(['sleep', '60'], (c) => {
        c.root = { path: BUSYBOX, readonly: true };
        c.hostname = 'inside';
      }),
    );
    expect(runtime(['create', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
    const { pid } = JSON.parse(runtime(['state', id]).out) as { pid: number };
    expect(readlinkSync(`/proc/${pid}/ns/mnt`)).toBe(readlinkSync('/proc/self/ns/mnt'));
    expect(mounted()).toEqual(expect.arrayContaining([BUSYBOX, join(BUSYBOX, 'proc'), join(BUSYBOX, 'dev/pts')]));
    expect(runtime(['start', id])).toMatchObject({ code: 0, err: '' });
    nothingIsLeft(id);
  });

  it('does not pass its mounts on, though those of the host are shared', () => {
    const id = newId();
    const bundle = bundleOf(id, shared(['cat', '/proc/self/mountinfo']));
    const { out, err } = runtime(['run', '--bundle', bundle, id]);
    expect(err).toBe('');
    expect(out).toMatch(/ \/proc /);
    expect(out).not.toMatch(/shared:/);
    expect(mounted()).toEqual([]);
  });

  it("has its further commands in its root, not in the host's", () => {
    const id = newId();
    writeFileSync(join(BUSYBOX, 'in-the-container'), 'yes\n');
    const config = shared(['sleep', '60'], (c) => {
      c.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'cp /in-the-container /tmp/hooked'] }] };
      c.root = { path: BUSYBOX, readonly: false };
    });
    expect(runtime(['run', '-d', '--bundle', bundleOf(id, config), id])).toMatchObject({ code: 0, err: '' });
    expect(runtime(['exec', id, 'cat', '/in-the-container', '/tmp/hooked'])).toMatchObject({ code: 0, out: 'yes\nyes\n', err: '' });
    expect(runtime(['exec', id, 'ls', folder]).code).not.toBe(0);
    nothingIsLeft(id);
  });

  it('leaves what the engine has mounted as its root', () => {
    const id = newId();
    // As containerd and Docker do: a file system of its own.
    const target = join(folder, 'mounted');
    mkdirSync(target);
    mount({ type: 'overlay', source: 'overlay', target, flags: MS.MS_RDONLY, data: `lowerdir=${BUSYBOX}:${folder}` });
    try {
      const config = shared(['true'], (c) => {
        c.root = { path: target };
      });
      expect(runtime(['run', '--bundle', bundleOf(id, config), id])).toMatchObject({ code: 0, err: '' });
      expect(mounted(target)).toEqual([target]);
    } finally {
      unmount(target, MNT.MNT_DETACH);
    }
  });

  it('takes its mounts away when it cannot be made', () => {
    const id = newId();
    const bundle = bundleOf(id, shared(['/no/such/program']));
    expect(runtime(['run', '--bundle', bundle, id])).toMatchObject({ code: 1 });
    expect(mounted()).toEqual([]);
  });

  it('takes its mounts away when the runtime was killed while it mounted', { timeout: 120_000 }, async () => {
    const killed = join(PROJECT, 'node_modules/.cache/minirun-test/killed-command-host-mounts.mjs');
    buildSync({
      entryPoints: [join(import.meta.dirname, 'support/killed-command.ts')],
      outfile: killed,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi', '@koromix/*'],
    });
    const config = shared(['sleep', '60']);
    const { steps } = compile(config, probeHost(config, { bundle: '/' }), { id: 'x', bundle: '/', gated: true });
    const mounting = steps.flatMap((s, index) => (s.call.name === 'mount' || s.call.name === 'move_mount' ? [index + 1] : []));
    let most = 0;
    for (const index of mounting.filter((_, n) => n % 4 === 0)) {
      const id = newId();
      const bundle = bundleOf(id, shared(['sleep', '60']));
      const killer = runtimeIn(root, [process.execPath, killed, String(index)]);
      expect((await killer.start(['create', '--bundle', bundle, id]).answer).signal).toBe('SIGKILL');
      most = Math.max(most, mounted().length);
      expect(runtime(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
      expect(mounted(), `step ${index}`).toEqual([]);
      await until(`nothing is left: ${tracesOf(id)}`, () => tracesOf(id).length === 0, 3000);
      expect(existsSync(join(root, id))).toBe(false);
    }
    expect(most).toBeGreaterThan(5);
  });

  it('is refused in a user namespace, and on the root of the host', () => {
    const user = shared(['true'], (c) => {
      c.linux?.namespaces?.push({ type: 'user' });
      Object.assign(c.linux ?? {}, {
        uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
        gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      });
    });
    const [a, b] = [newId(), newId()];
    expect(runtime(['run', '--bundle', bundleOf(a, user), a]).err).toMatch(/without a mount namespace only root of the host can mount/);
    const onRoot = bundleOf(
      b,
      shared(['true'], (c) => void (c.root = { path: '/' })),
    );
    expect(runtime(['run', '--bundle', onRoot, b]).err).toMatch(/#\/root\/path: .*the host's own root/);
    expect(mounted()).toEqual([]);
  });
});
