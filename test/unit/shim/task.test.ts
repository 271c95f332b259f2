import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shortenedLowers } from '../../../src/libc/mount.ts';
import { OptionsSchema } from '../../../src/proto/containerd/runc/options_pb.ts';
import { traitsOf } from '../../../src/shim/task/container.ts';
import { commandOf } from '../../../src/shim/task/logger.ts';
import { metricsV2 } from '../../../src/shim/task/metrics-v2.ts';
import { loadOptions, parseOptions, saveOptions } from '../../../src/shim/task/options.ts';
import { lastError } from '../../../src/shim/task/program.ts';
import { check } from '../../../src/shim/task/state-rules.ts';
import { schemeOf } from '../../../src/shim/task/stdio.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-task-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('the rules of states', () => {
  it.each([
    ['start', 'created', undefined],
    ['start', 'running', 'cannot start a running process'],
    ['start', 'stopped', 'cannot start a stopped process'],
    ['delete', 'created', undefined],
    ['delete', 'stopped', undefined],
    ['delete', 'paused', 'cannot delete a paused process'],
    ['pause', 'running', undefined],
    ['pause', 'created', 'cannot pause task in created state'],
    ['resume', 'paused', undefined],
    ['resume', 'running', 'cannot resume a running process'],
    ['exec', 'created', undefined],
    ['exec', 'stopped', 'cannot exec in a stopped state'],
    ['checkpoint', 'paused', undefined],
    ['checkpoint', 'created', 'cannot checkpoint a task in created state'],
    ['update', 'stopped', 'cannot update a stopped container'],
  ] as const)('%s in state %s', (verb, state, refusal) => {
    if (refusal === undefined) check(verb, state);
    else expect(() => check(verb, state)).toThrow(refusal);
  });
});

describe('names of streams', () => {
  it.each([
    ['/run/containerd/fifo/1/c-stdout', 'fifo'],
    ['', 'fifo'],
    ['relative:looking/fifo', 'relative'],
    ['file:///var/log/c', 'file'],
    ['binary:///usr/bin/logger?x=y', 'binary'],
    ['BINARY-v2:///x', 'binary-v2'],
  ])('%s', (uri, scheme) => expect(schemeOf(uri)).toBe(scheme));

  it("a logging program's command line", () => {
    expect(commandOf('binary:///usr/bin/my%20logger?id=1&word&id=2&path=%2Fa%20b')).toEqual({
      path: '/usr/bin/my logger',
      args: ['id', '1', 'word', 'path', '/a b'],
    });
    expect(commandOf('binary:///l')).toEqual({ path: '/l', args: [] });
  });
});

describe('options', () => {
  const any = (typeUrl: string, value: Uint8Array<ArrayBuffer>) => create(AnySchema, { typeUrl, value });
  const wanted = create(OptionsSchema, { binaryName: 'crun', root: '/run/x', systemdCgroup: true, ioUid: 7 });
  const bytes = toBinary(OptionsSchema, wanted);

  it('are those of runc, whatever stands before the name of their type', () => {
    expect(parseOptions(any('containerd.runc.v1.Options', bytes))).toEqual(wanted);
    expect(parseOptions(any('type.googleapis.com/containerd.runc.v1.Options', bytes))).toEqual(wanted);
    expect(parseOptions(undefined)).toEqual(create(OptionsSchema));
    expect(() => parseOptions(any('containerd.other.Options', bytes))).toThrow('options of type containerd.other.Options');
  });

  it("are kept in the bundle, under containerd's names", () => {
    expect(loadOptions(folder)).toEqual(create(OptionsSchema));
    saveOptions(folder, wanted);
    expect(JSON.parse(readFileSync(join(folder, 'options.json'), 'utf8'))).toEqual({
      binary_name: 'crun',
      root: '/run/x',
      systemd_cgroup: true,
      io_uid: 7,
    });
    expect(readFileSync(join(folder, 'runtime'), 'utf8')).toBe('crun');
    expect(loadOptions(folder)).toEqual(wanted);
  });
});

describe('the log of a runtime', () => {
  it('its last error, from where this call began', () => {
    const first = '{"level":"error","msg":"old","time":"x"}\n';
    const log = file('log.json', `${first}{"level":"warning","msg":"w"}\n{"level":"error","msg":" new \\n"}\n{"level":"err`);
    expect(lastError(log)).toBe('new');
    expect(lastError(log, readFileSync(log).length - 5)).toBeUndefined();
    expect(lastError(join(folder, 'none'))).toBeUndefined();
  });
});

describe('what decides how a container is looked after', () => {
  it.each([
    [{}, { ownPids: false, hooked: [] }],
    [{ linux: { namespaces: [{ type: 'pid' }] } }, { ownPids: true, hooked: [] }],
    [{ linux: { namespaces: [{ type: 'pid', path: '/proc/1/ns/pid' }] } }, { ownPids: false, hooked: [] }],
    [{ hooks: { prestart: [] } }, { ownPids: false, hooked: [] }],
    [{ hooks: { prestart: [{ path: '/x' }], poststart: [{ path: '/x' }] } }, { ownPids: false, hooked: ['create', 'start'] }],
    [{ hooks: { poststop: [{ path: '/x' }] } }, { ownPids: false, hooked: ['delete'] }],
  ])('%j', (config, traits) => {
    file('config.json', JSON.stringify(config));
    expect(traitsOf(folder)).toEqual(traits);
  });
});

describe('overlay data that is longer than a page', () => {
  it('has its layers named from the folder that they share', () => {
    const lowers = Array.from({ length: 120 }, (_, i) => `/var/lib/containerd/snapshots/overlayfs/snapshots/${i}/fs`);
    const data = `index=off,lowerdir=${lowers.join(':')},upperdir=/u,workdir=/w`;
    const shorter = shortenedLowers(data);
    expect(shorter?.folder).toBe('/var/lib/containerd/snapshots/overlayfs/snapshots');
    expect(shorter?.data).toBe(`index=off,lowerdir=${lowers.map((_, i) => `${i}/fs`).join(':')},upperdir=/u,workdir=/w`);
    expect((shorter?.data.length ?? 0) < 4096).toBe(true);
  });

  it('is left as it is where it fits, or nothing is shared', () => {
    expect(shortenedLowers('lowerdir=/a:/b')).toBeUndefined();
    const apart = Array.from({ length: 600 }, (_, i) => `/${i}/long`);
    expect(shortenedLowers(`lowerdir=${apart.join(':')}`)).toBeUndefined();
  });
});

describe('metrics of cgroup v2', () => {
  it("are the kernel's files", () => {
    file('pids.current', '3\n');
    file('pids.max', 'max\n');
    file('memory.current', '4096\n');
    file('memory.max', 'max\n');
    file('memory.stat', 'anon 100\nfile_mapped 7\nworkingset_refault_anon 3\n');
    file('memory.events', 'low 0\nmax 2\noom 1\noom_kill 1\n');
    file('cpu.stat', 'usage_usec 12\nuser_usec 5\nsystem_usec 7\nnr_throttled 1\n');
    file('cpu.pressure', 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n');
    file('io.stat', '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n');
    const m = metricsV2(folder);
    expect(m.pids).toMatchObject({ current: 3n, limit: 0n });
    expect(m.memory).toMatchObject({ anon: 100n, fileMapped: 7n, usage: 4096n, usageLimit: 2n ** 64n - 1n });
    expect(m.memoryEvents).toMatchObject({ max: 2n, oom: 1n, oomKill: 1n });
    expect(m.cpu).toMatchObject({ usageUsec: 12n, userUsec: 5n, systemUsec: 7n, nrThrottled: 1n });
    expect(m.cpu?.psi?.some).toMatchObject({ avg10: 1.5, total: 9n });
    expect(m.io?.usage[0]).toMatchObject({ major: 8n, minor: 0n, rbytes: 1n, wbytes: 2n, rios: 3n, wios: 4n });
  });
});
