import { spawnSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { closeFd } from '../../src/libc/fd.ts';
import { checkDeviceRules, deviceRules, v1Writes } from '../../src/runc/compile/device-rules.ts';
import {
  BPF_CGROUP_DEVICE,
  BPF_F_ALLOW_MULTI,
  BPF_PROG_TYPE_CGROUP_DEVICE,
  deviceProgram,
} from '../../src/runc/compile/device-rules-ebpf.ts';
import { readCgroupFacts } from '../../src/runc/host/cgroup-facts.ts';
import { bpfProgAttach, bpfProgLoad, openat } from '../../src/runc/program/calls.ts';
import { flatten } from '../../src/runc/program/flatten.ts';
import { load, perform } from '../../src/runc/program/memory.ts';
import { type Call, ref, type Step } from '../../src/runc/program/step.ts';
import type { DeviceRule } from '../../src/runc/spec/config.ts';

/** Runs an eBPF program of the few instructions that the compiler uses, as the kernel would. */
function interpret(program: Uint8Array, request: { type: 'b' | 'c'; access: string; major: number; minor: number }): boolean {
  const bits = (request.access.includes('m') ? 1 : 0) | (request.access.includes('r') ? 2 : 0) | (request.access.includes('w') ? 4 : 0);
  const context = [(bits << 16) | (request.type === 'b' ? 1 : 2), request.major, request.minor];
  const r: number[] = new Array(11).fill(0);
  const view = Buffer.from(program);
  for (let pc = 0, fuel = 10_000; fuel; pc++, fuel--) {
    const at = 8 * pc;
    if (at >= view.length) throw new Error('ran off the end');
    const code = view.readUInt8(at);
    const to = view.readUInt8(at + 1) & 15;
    const from = view.readUInt8(at + 1) >> 4;
    const offset = view.readInt16LE(at + 2);
    const value = view.readInt32LE(at + 4);
    if (code === 0x61) r[to] = context[offset / 4] as number;
    else if (code === 0xb7) r[to] = value;
    else if (code === 0xbf) r[to] = r[from] as number;
    else if (code === 0x54) r[to] = (r[to] as number) & value;
    else if (code === 0x74) r[to] = (r[to] as number) >>> value;
    else if (code === 0x55) pc += r[to] !== value ? offset : 0;
    else if (code === 0x15) pc += r[to] === value ? offset : 0;
    else if (code === 0x95) return r[0] === 1;
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
  throw new Error('does not end');
}

const may = (rules: DeviceRule[] | undefined, type: 'b' | 'c', numbers: string, access: string): boolean => {
  const [major, minor] = numbers.split(':').map(Number) as [number, number];
  return interpret(deviceProgram(deviceRules(rules)), { type, access, major, minor });
};
const DENY_ALL: DeviceRule = { allow: false, access: 'rwm' };

test('what every container may use, and nothing else', () => {
  for (const rules of [undefined, [], [DENY_ALL]]) {
    for (const numbers of ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:0', '136:77'])
      expect(may(rules, 'c', numbers, 'rwm'), numbers).toBe(true);
    expect(may(rules, 'c', '10:229', 'm')).toBe(true);
    expect(may(rules, 'b', '8:0', 'm')).toBe(true);
    for (const access of ['r', 'w', 'rw', 'rm']) expect(may(rules, 'b', '8:0', access)).toBe(false);
    expect(may(rules, 'c', '1:1', 'r')).toBe(false); // /dev/mem
    expect(may(rules, 'b', '1:3', 'r')).toBe(false); // the block device with the numbers of /dev/null
  }
});

test('the last rule that fits wins', () => {
  const fuse: DeviceRule[] = [
    DENY_ALL,
    { allow: true, type: 'c', major: 10, access: 'rwm' },
    { allow: false, type: 'c', major: 10, minor: 229, access: 'w' },
  ];
  expect(may(fuse, 'c', '10:200', 'rw')).toBe(true);
  expect(may(fuse, 'c', '10:229', 'r')).toBe(true);
  expect(may(fuse, 'c', '10:229', 'rw')).toBe(false);
  expect(may([...fuse].reverse(), 'c', '10:229', 'r')).toBe(false); // "deny all" now comes last
});

test('two rules may allow reading and writing together', () => {
  const halves: DeviceRule[] = [
    { allow: true, type: 'b', major: 8, access: 'r' },
    { allow: true, type: 'b', minor: 1, access: 'w' },
  ];
  expect(may(halves, 'b', '8:1', 'rw')).toBe(true);
  expect(may(halves, 'b', '8:2', 'rw')).toBe(false);
  expect(may(halves, 'b', '8:2', 'r')).toBe(true);
});

test('all allowed, with exceptions', () => {
  const rules: DeviceRule[] = [
    { allow: true, access: 'rwm' },
    { allow: false, type: 'b', major: 8, minor: -1, access: 'rw' },
  ];
  expect(may(rules, 'c', '240:1', 'rw')).toBe(true);
  expect(may(rules, 'b', '8:7', 'w')).toBe(false);
  expect(may(rules, 'b', '8:7', 'm')).toBe(true);
  expect(may(rules, 'b', '9:7', 'rw')).toBe(true);
});

test('"a" with less than all accesses is not everything', () => {
  const rules: DeviceRule[] = [{ allow: true, type: 'a', access: 'r' }];
  expect(may(rules, 'b', '8:0', 'r')).toBe(true);
  expect(may(rules, 'b', '8:0', 'rw')).toBe(false);
});

test('the list of v1', () => {
  const writes = (rules?: DeviceRule[]) => v1Writes(deviceRules(rules)).map((w) => `${w.file} ${w.value}`);
  expect(writes()).toEqual([
    'devices.deny a',
    'devices.allow c *:* m',
    'devices.allow b *:* m',
    'devices.allow c 1:3 rwm',
    'devices.allow c 1:5 rwm',
    'devices.allow c 1:7 rwm',
    'devices.allow c 1:8 rwm',
    'devices.allow c 1:9 rwm',
    'devices.allow c 5:0 rwm',
    'devices.allow c 5:2 rwm',
    'devices.allow c 10:200 rwm',
    'devices.allow c 136:* rwm',
  ]);
  expect(
    writes([
      DENY_ALL,
      { allow: true, type: 'c', major: 10, minor: 229, access: 'r' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'w' },
    ]),
  ).toContain('devices.allow c 10:229 rw');
  expect(writes([{ allow: true, access: 'rwm' }])).toEqual(['devices.allow a']);
  expect(
    writes([
      { allow: true, access: 'rwm' },
      { allow: false, type: 'b', major: 8 },
    ]).slice(0, 2),
  ).toEqual(['devices.allow a', 'devices.deny b 8:* rw']);
  expect(() =>
    writes([
      { allow: true, type: 'c', major: 10 },
      { allow: false, type: 'c', major: 10, minor: 229 },
    ]),
  ).toThrow(/takes back a part of "c 10:\* rwm"/);
});

test('rules that make no sense are named', () => {
  const check = (rule: object) => checkDeviceRules({ ociVersion: '1.2.0', linux: { resources: { devices: [rule as DeviceRule] } } });
  expect(check({ allow: true, type: 'x' })).toEqual(['#/linux/resources/devices/0/type: "x" is none of a, b, c']);
  expect(check({ allow: true, type: 'c', access: 'rx' })[0]).toContain('devices/0/access');
  expect(check({ allow: false, access: 'rwm' })).toEqual([]);
});

const cgroup2 = process.platform === 'linux' && process.getuid?.() === 0 ? readCgroupFacts(0).v2 : undefined;
if (cgroup2 === undefined) console.log('skipped: loading device programs into the kernel needs root and a cgroup2 mount');

test.skipIf(cgroup2 === undefined)("the kernel's verifier accepts the programs, and they can be attached", () => {
  const folder = `${cgroup2}/minirun-test-devices-${process.pid}`;
  mkdirSync(folder);
  const step = (c: Call, saves: string): Step => ({ actor: 'runtime', chapter: 'cgroup', call: c, saves, why: '', man: '', from: '' });
  try {
    for (const rules of [
      undefined,
      [
        { allow: true, access: 'rwm' },
        { allow: false, type: 'b' as const, major: 8 },
      ],
      Array.from({ length: 60 }, (_, i) => ({ allow: i % 3 > 0, type: 'c' as const, major: i, access: 'rw' })),
    ]) {
      const flat = flatten({
        version: 1,
        arch: process.arch === 'arm64' ? 'arm64' : 'x64',
        warnings: [],
        steps: [
          step(bpfProgLoad(deviceProgram(deviceRules(rules)), BPF_PROG_TYPE_CGROUP_DEVICE), 'program'),
          step(openat(-100, folder, 0o200000), 'folder'),
          step(bpfProgAttach(ref('folder'), ref('program'), BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI), 'attached'),
        ],
      });
      const memory = load(flat);
      flat.steps.forEach((s) => {
        memory.results[s.save] = perform(s, memory);
      });
      expect(memory.results[0], 'BPF_PROG_LOAD').toBeGreaterThan(0);
      expect(memory.results[2], 'BPF_PROG_ATTACH').toBe(0);
      closeFd(memory.results[0] as number);
      closeFd(memory.results[1] as number);
    }
    // They are in force: a process in the folder may open /dev/null, and not the kernel's log.
    const inside = (device: string) => spawnSync('sh', ['-c', `echo $$ > ${folder}/cgroup.procs && : < ${device}`], { encoding: 'utf8' });
    expect(inside('/dev/null').status).toBe(0);
    expect(inside('/dev/kmsg').stderr).toMatch(/Operation not permitted/);
  } finally {
    rmdirSync(folder);
  }
});
