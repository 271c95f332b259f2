import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findProgram, hardLimits, kernelVersion, kindOf, pathsOf, probeHost } from '../../src/runc/host/probe.ts';
import type { Config } from '../../src/runc/spec/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config: Config = {
  ociVersion: '1.2.0',
  mounts: [
    { destination: '/a', type: 'bind', source: 'file' },
    { destination: '/b', source: '/nowhere/at/all', options: ['rbind'] },
    { destination: '/proc', type: 'proc', source: 'proc' },
  ],
  linux: {
    devices: [{ type: 'c', path: '/dev/fuse' }],
    maskedPaths: ['/proc/kcore', '/etc/shadow'],
    readonlyPaths: ['/sys/firmware', '/process'],
  },
};

test("the paths that matter: bind sources, devices, protected paths of the kernel's own file systems", () => {
  const paths = pathsOf(config);
  expect(paths).toEqual(
    expect.arrayContaining(['file', '/nowhere/at/all', '/dev/fuse', '/dev/null', '/dev/ptmx', '/proc/kcore', '/sys/firmware']),
  );
  for (const other of ['proc', '/etc/shadow', '/process']) expect(paths).not.toContain(other);
});

test('kinds', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(kindOf(join(folder, 'file'))).toBe('file');
  expect(kindOf(folder)).toBe('dir');
  expect(kindOf(join(folder, 'none'))).toBe('missing');
});

test('limits, kernel and programs', () => {
  const text =
    'Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 524288               files     \nMax nice priority         0                    40                   \n';
  expect(hardLimits(text)).toEqual({ RLIMIT_CPU: Number.POSITIVE_INFINITY, RLIMIT_NOFILE: 524288, RLIMIT_NICE: 40 });
  expect(kernelVersion('5.10.0-28-amd64')).toEqual([5, 10]);
  writeFileSync(join(folder, 'newthing'), '#!/bin/sh\n');
  expect(findProgram('newthing', folder)).toBeUndefined(); // not executable
  chmodSync(join(folder, 'newthing'), 0o755);
  expect(findProgram('newthing', `relative:${folder}`)).toBe(join(folder, 'newthing'));
});

test('this machine', () => {
  const host = probeHost(config, { bundle: folder });
  expect(host.files.file).toBe('file');
  expect(host.files['/nowhere/at/all']).toBe('missing');
  if (process.platform !== 'linux') return;
  expect(host.files['/dev/null']).toBe('char');
  expect(host.uid).toBe(process.geteuid?.());
  expect(host.rlimits.RLIMIT_NOFILE).toBeGreaterThan(0);
  expect(host.lastCapability).toBeGreaterThanOrEqual(37);
  expect(host.seccompFilter).toBeUndefined();
});
