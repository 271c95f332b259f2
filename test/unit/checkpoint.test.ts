/** What checkpoint and restore tell criu, without criu: messages, names of the host's things, the program of a restore. */
import { describe, expect, it } from 'vitest';
import { cgroup2Options } from '../../src/runc/checkpoint/cgroup2-options.ts';
import { firstError, hintFor } from '../../src/runc/checkpoint/criu-log.ts';
import { compileRestoredLoopback } from '../../src/runc/checkpoint/loopback-program.ts';
import { sharedOptions } from '../../src/runc/checkpoint/options.ts';
import { decode, encode, type Fields } from '../../src/runc/checkpoint/protobuf.ts';
import { compileRestore } from '../../src/runc/checkpoint/restore-program.ts';
import { cgroupRoots, externalSources, inheritedStreams, sharedNamespaces } from '../../src/runc/checkpoint/restore-request.ts';
import { decodeResponse, encodeRequest } from '../../src/runc/checkpoint/rpc.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { parseMountInfo } from '../../src/runc/host/mountinfo.ts';
import type { Arg, Step } from '../../src/runc/program/step.ts';
import type { Config } from '../../src/runc/spec/config.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the wire format', () => {
  const fields = {
    number: { number: 1, type: 'int' },
    name: { number: 2, type: 'text' },
    inner: { number: 3, type: { number: { number: 1, type: 'int' } }, many: true },
    on: { number: 16, type: 'bool' },
  } as const satisfies Fields;

  it('writes the bytes of the examples of the specification of Protocol Buffers', () => {
    expect(hex(encode(fields, { number: 150 }))).toBe('089601');
    expect(hex(encode(fields, { name: 'testing' }))).toBe('120774657374696e67');
    expect(hex(encode(fields, { inner: [{ number: 150 }] }))).toBe('1a03089601');
    expect(hex(encode(fields, { number: -2 }))).toBe('08feffffffffffffffff01');
    expect(hex(encode(fields, { on: true }))).toBe('800101');
  });

  it('reads what it writes', () => {
    const message = { number: -1, name: 'ä'.repeat(100), inner: [{ number: 1 }, { number: 2 ** 31 }, {}], on: false };
    expect(decode(fields, encode(fields, message))).toEqual(message);
  });

  it('passes over fields that it does not know, of all wire types', () => {
    const unknown = Buffer.from(`${'50' + '9601'}${'5a' + '02' + 'abcd'}${'61' + '0102030405060708'}${'6d' + '01020304'}`, 'hex');
    expect(decode(fields, Buffer.concat([unknown, encode(fields, { number: 7 }), unknown]))).toEqual({ number: 7 });
  });

  it('refuses what is cut off', () => {
    expect(() => decode(fields, Buffer.from('0896', 'hex'))).toThrow(/cut off/);
    expect(() => decode(fields, Buffer.from('1207746573', 'hex'))).toThrow(/cut off/);
  });

  it('has the numbers of criu: a request for its version, and the answer', () => {
    expect(hex(encodeRequest({ type: 'VERSION' }))).toBe('080a');
    expect(decodeResponse(Buffer.from('080a1001520408031011', 'hex'))).toEqual({
      type: 10,
      success: true,
      version: { major_number: 3, minor_number: 17 },
    });
  });
});

describe("criu's log", () => {
  const log = `(00.008273) Error (criu/tun.c:85): tun: Unable to create tun: Operation not permitted
(00.020000) Warn  (criu/kerndat.c:1): something else
(00.026504)      1: Error (criu/sk-inet.c:201): inet: Connected TCP socket, consider using --tcp-established option.
(00.027007) Error (criu/cr-dump.c:1): Dumping FAILED.
`;
  it('is read for the first error that matters', () => {
    expect(firstError(log)).toBe('Error (criu/sk-inet.c:201): inet: Connected TCP socket, consider using --tcp-established option.');
    expect(hintFor(log)).toMatch(/--tcp-established/);
  });
  it('may say nothing', () => {
    expect(firstError('(00.1) Warn  (criu/x.c:1): --tcp-established')).toBeUndefined();
    expect(hintFor('(00.1) Warn  (criu/x.c:1): --tcp-established')).toBeUndefined();
  });
});

describe('what of the host criu gets back', () => {
  it('finds mounts, with blanks in their paths', () => {
    const text = '25 1 254:0 / / rw - ext4 /dev/vda rw\n31 25 0:5 /a\\040b /dev/a\\134b rw,nosuid shared:2 - devtmpfs none rw\n';
    expect(parseMountInfo(text)).toEqual([
      { id: 25, device: '254:0', root: '/', point: '/', type: 'ext4' },
      { id: 31, device: '0:5', root: '/a b', point: '/dev/a\\b', type: 'devtmpfs' },
    ]);
  });

  it('finds the options of cgroup2, which are the whole machine’s', () => {
    const line = (options: string) =>
      `25 1 254:0 / / rw - ext4 /dev/vda rw\n39 21 0:35 / /sys/fs/cgroup rw,relatime shared:11 - cgroup2 cgroup2 ${options}\n`;
    expect(cgroup2Options(line('rw,nsdelegate,memory_recursiveprot'))).toEqual(['memory_recursiveprot', 'nsdelegate']);
    expect(cgroup2Options(line('rw'))).toEqual([]);
    expect(cgroup2Options('25 1 254:0 / / rw - ext4 /dev/vda rw')).toBeUndefined();
  });

  it('takes pipes and files of the host from the own streams, by their old names', () => {
    expect(inheritedStreams(['pipe:[12]', '/dev/pts/0', 'file[1a:2b]', 'pipe:[13]'])).toEqual([
      { key: 'pipe:[12]', fd: 0 },
      { key: 'ile[1a:2b]', fd: 2 },
    ]);
  });

  it('names the cgroup of each tree', () => {
    expect(cgroupRoots('4:cpu,cpuacct:/minirun/a:b\n1:name=systemd:/x\n0::/y\n')).toEqual([
      { ctrl: 'cpu', path: '/minirun/a:b' },
      { ctrl: 'cpuacct', path: '/minirun/a:b' },
      { ctrl: 'name=systemd', path: '/x' },
      { ctrl: '', path: '/y' },
    ]);
  });

  const config: Config = {
    ociVersion: '1.2.0',
    mounts: [
      { destination: '/data', type: 'bind', source: 'rel', options: ['bind'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' },
      { destination: '/proc', type: 'proc', source: 'proc' },
    ],
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'ipc', path: '/proc/1/ns/ipc' }],
      devices: [{ path: '/dev/fuse', type: 'c', major: 10, minor: 229 }],
    },
  };
  const host = {
    ...TYPICAL_HOST,
    cgroup: {
      ...TYPICAL_HOST.cgroup,
      mode: 'hybrid' as const,
      v1: { cpu: '/sys/fs/cgroup/cpu', cpuacct: '/sys/fs/cgroup/cpu' },
      v2: '/sys/fs/cgroup/unified',
    },
  };

  it('gives each bind mount its source, each cgroup tree its own folder, devices themselves', () => {
    const own = { v1: { cpu: '/sys/fs/cgroup/cpu/new' }, v2: '/sys/fs/cgroup/unified/new' };
    const sources = externalSources(config, host, '/bundle', own);
    expect(sources).toContain('mnt[/data]:/bundle/rel');
    expect(sources).toContain('mnt[/sys/fs/cgroup/cpu]:/sys/fs/cgroup/cpu/new');
    expect(sources).toContain('mnt[/sys/fs/cgroup/unified]:/sys/fs/cgroup/unified/new');
    expect(sources).toContain('mnt[/dev/null]:/dev/null');
    expect(sources).toContain('mnt[/dev/fuse]:/dev/fuse');
    expect(sources.some((s) => s.startsWith('mnt[/proc]'))).toBe(false);
  });

  it('has criu join the namespaces that are named, but those that it cannot join', () => {
    expect(sharedNamespaces(config, new Map(), [])).toEqual({ inherit_fd: [], join_ns: [{ ns: 'ipc', ns_file: '/proc/1/ns/ipc' }] });
    const other: Config = { ...config, linux: { namespaces: [{ type: 'cgroup', path: '/x' }] } };
    expect(() => sharedNamespaces(other, new Map(), [])).toThrow(/cgroup namespace/);
    const gone: Config = { ...config, linux: { namespaces: [{ type: 'network', path: '/run/netns/none' }] } };
    expect(() => sharedNamespaces(gone, new Map(), [])).toThrow(/network namespace \/run\/netns\/none .*ENOENT/);
  });

  it('takes the file of criu options from the annotation; empty means none', () => {
    const choices = { tcpEstablished: false, extUnixSk: false, shellJob: false, fileLocks: false, autoDedup: false, lazyPages: false };
    const fileFor = (annotations: Record<string, string>) => sharedOptions(choices, { ...config, annotations }).config_file;
    expect(fileFor({})).toBe('/etc/criu/runc.conf');
    expect(fileFor({ 'org.criu.config': '/x' })).toBe('/x');
    expect(fileFor({ 'org.criu.config': '' })).toBeUndefined();
    expect(() => sharedOptions({ ...choices, manageCgroupsMode: 'toString' }, config)).toThrow(/soft, full, strict/);
  });
});

describe('the program of a restore', () => {
  const config: Config = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      { destination: '/data', type: 'bind', source: '/srv/data', options: ['bind'] },
      { destination: '/data/inner', type: 'bind', source: '/srv/file', options: ['bind'] },
    ],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] },
  };
  const host = { ...TYPICAL_HOST, files: { ...TYPICAL_HOST.files, '/srv/file': 'file' as const, '/srv/data': 'dir' as const } };
  const options = { id: 'c', bundle: '/b', point: '/run/c', criu: { path: '/usr/sbin/criu', environment: ['PATH=/bin'] }, preserveFds: 2 };
  const { steps, preserveFds } = compileRestore(config, host, options);
  const textAt = (step: Step, index: number): string => {
    const arg: Arg | undefined = step.call.args[index];
    return arg?.kind === 'text' ? arg.parts.map((p) => (typeof p === 'string' ? p : p.of)).join('') : '';
  };
  const place = (name: string, index = 0, text = ''): number =>
    steps.findIndex((s) => s.call.name === name && (text === '' || textAt(s, index) === text));

  it('ends with criu, which keeps its socket and the namespaces', () => {
    const last = steps.at(-1) as Step;
    expect(last.call.name).toBe('execve');
    expect(last.call.args[1]).toEqual({ kind: 'list', items: ['criu', 'swrk', '3'] });
    expect(preserveFds).toBe(2);
  });

  it('mounts nothing before it is in a mount namespace of its own that gives nothing back to the host', () => {
    const own = place('unshare');
    const mounts = steps.flatMap((s, i) => (['mount', 'move_mount', 'open_tree', 'umount2'].includes(s.call.name) ? [i] : []));
    expect(own).toBeGreaterThan(0);
    expect(mounts.every((i) => i > own)).toBe(true);
    expect(textAt(steps[mounts[0] as number] as Step, 1)).toBe('/');
  });

  it('makes the places of mounts, those in a bind mount too, and none that come with the image', () => {
    const made = steps.filter((s) => s.call.name === 'mkdirat').map((s) => textAt(s, 1));
    expect(made).toContain('proc');
    expect(made).toContain('dev');
    expect(made).not.toContain('pts');
    expect(place('move_mount')).toBeLessThan(place('mknodat', 1, 'inner'));
  });

  it('passes noNewPrivileges on', () => {
    const process = { user: { uid: 0, gid: 0 }, cwd: '/', noNewPrivileges: true };
    const names = compileRestore({ ...config, process }, host, options).steps.map((s) => s.call.name);
    expect(names.slice(-2)).toEqual(['prctl', 'execve']);
    expect(steps.some((s) => s.call.name === 'prctl')).toBe(false);
  });

  it('makes a /tmp for criu where the root is read-only', () => {
    const made = (readonly: boolean) =>
      compileRestore({ ...config, root: { path: 'rootfs', readonly } }, host, options).steps.some(
        (s) => s.call.name === 'mkdirat' && textAt(s, 1) === 'tmp',
      );
    expect([made(false), made(true)]).toEqual([false, true]);
  });

  it('leaves the bare rootfs as a mount point for criu', () => {
    const binds = steps.filter((s) => s.call.name === 'mount' && textAt(s, 0) === '/b/rootfs');
    expect(binds.map((s) => textAt(s, 1))).toEqual(['/run/c', '/run/c']);
    expect(place('umount2')).toBeLessThan(steps.lastIndexOf(binds[1] as Step));
  });

  it('comes back from the network namespace that it visits', () => {
    const visit = compileRestoredLoopback(config, TYPICAL_HOST, 42).steps;
    expect(visit.every((s) => s.actor === 'runtime')).toBe(true);
    expect(visit.filter((s) => s.call.name === 'setns').map((s) => s.call.args[0])).toEqual([
      { kind: 'result', of: 'theirs' },
      { kind: 'result', of: 'own' },
    ]);
  });
});
