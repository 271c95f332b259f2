import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { resolveArch, resolveSyscall, seccompAvailable } from '../../src/libc/seccomp.ts';
import { newDraft } from '../../src/runc/compile/draft.ts';
import { compileSeccomp, seccompMissing } from '../../src/runc/compile/seccomp.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { cachedFilter, keep, readKept } from '../../src/runc/seccomp/cache.ts';
import { defaultSeccomp } from '../../src/runc/seccomp/default-profile.ts';
import { enosysPrologue } from '../../src/runc/seccomp/enosys.ts';
import { compileFilter, filterFlags } from '../../src/runc/seccomp/filter.ts';
import type { Config, Seccomp } from '../../src/runc/spec/config.ts';
import { parseConfig } from '../../src/runc/spec/validate.ts';

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const ALLOW = 0x7fff0000;
const errno = (n: number) => 0x00050000 | n;
const KILL_PROCESS = 0x80000000;

/** Runs a classic BPF program over struct seccomp_data, as the kernel would. */
function verdict(filter: Uint8Array, call: { arch: number; nr: number; args?: (number | bigint)[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.nr >>> 0, 0);
  data.writeUInt32LE(call.arch, 4);
  call.args?.forEach((a, i) => {
    data.writeBigUInt64LE(BigInt.asUintN(64, BigInt(a)), 16 + 8 * i);
  });
  const code = Buffer.from(filter);
  let a = 0;
  for (let pc = 0; ; pc++) {
    const at = 8 * pc;
    const op = code.readUInt16LE(at);
    const [jt, jf, k] = [code.readUInt8(at + 2), code.readUInt8(at + 3), code.readUInt32LE(at + 4)];
    if (op === 0x20) a = data.readUInt32LE(k);
    else if (op === 0x54) a = (a & k) >>> 0;
    else if (op === 0x05) pc += k;
    else if (op === 0x15) pc += a === k ? jt : jf;
    else if (op === 0x25) pc += a > k ? jt : jf;
    else if (op === 0x35) pc += a >= k ? jt : jf;
    else if (op === 0x45) pc += (a & k) !== 0 ? jt : jf;
    else if (op === 0x06) return k;
    else throw new Error(`unknown instruction 0x${op.toString(16)}`);
  }
}

const available = process.platform === 'linux' && seccompAvailable();
if (!available) console.log('skipped: compiling seccomp filters needs Linux and libseccomp.so.2');

describe.skipIf(!available)('profiles', () => {
  const nr = (name: string, arch = 'x86_64'): number => {
    const n = resolveSyscall(resolveArch(arch), name);
    if (n === undefined) throw new Error(`libseccomp does not know ${name}`);
    return n;
  };
  const ask = (profile: Seccomp, name: string, ...args: (number | bigint)[]) =>
    verdict(compileFilter(profile, 'x64').filter, { arch: X86_64, nr: nr(name), args });
  const rule = (action: string, names: string[], args?: { index: number; value: number; valueTwo?: number; op: string }[]) => ({
    action,
    names,
    ...(args ? { args } : {}),
  });

  test('names, actions and errno values', () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { ...rule('SCMP_ACT_ERRNO', ['mkdir']), errnoRet: 95 },
        rule('SCMP_ACT_ERRNO', ['rmdir']),
        rule('SCMP_ACT_KILL_PROCESS', ['reboot']),
        rule('SCMP_ACT_ERRNO', ['no_such_call_at_all']),
      ],
    };
    expect(ask(profile, 'mkdir')).toBe(errno(95));
    expect(ask(profile, 'rmdir')).toBe(errno(1));
    expect(ask(profile, 'reboot')).toBe(KILL_PROCESS);
    expect(ask(profile, 'read')).toBe(ALLOW);
    expect(compileFilter(profile, 'x64').warnings).toEqual([expect.stringContaining('no_such_call_at_all')]);
  });

  test('all conditions of a rule must hold; two on one argument are alternatives', () => {
    const allow = (args: { index: number; value: number; valueTwo?: number; op: string }[]): Seccomp => ({
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [rule('SCMP_ACT_ALLOW', ['personality'], args)],
    });
    const both = allow([
      { index: 0, value: 5, op: 'SCMP_CMP_GE' },
      { index: 1, value: 7, op: 'SCMP_CMP_EQ' },
    ]);
    expect(ask(both, 'personality', 6, 7)).toBe(ALLOW);
    expect(ask(both, 'personality', 6, 8)).toBe(errno(1));
    expect(ask(both, 'personality', 4, 7)).toBe(errno(1));
    const either = allow([
      { index: 0, value: 0, op: 'SCMP_CMP_EQ' },
      { index: 0, value: 8, op: 'SCMP_CMP_EQ' },
    ]);
    expect([0, 8, 4].map((v) => ask(either, 'personality', v))).toEqual([ALLOW, ALLOW, errno(1)]);
    const mask = allow([{ index: 0, value: 0xf0, valueTwo: 0x30, op: 'SCMP_CMP_MASKED_EQ' }]);
    expect([0x35, 0x45].map((v) => ask(mask, 'personality', v))).toEqual([ALLOW, errno(1)]);
    const largest = allow([{ index: 0, value: Number('18446744073709551615'), op: 'SCMP_CMP_EQ' }]);
    expect([-1, 0].map((v) => ask(largest, 'personality', v))).toEqual([ALLOW, errno(1)]);
  });

  test('a system call newer than the profile does not exist; one that it forgot is forbidden', () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
      syscalls: [rule('SCMP_ACT_ALLOW', ['read', 'openat2'])],
    };
    const { filter } = compileFilter(profile, 'x64');
    const openat2 = nr('openat2');
    expect(verdict(filter, { arch: X86_64, nr: openat2 })).toBe(ALLOW);
    expect(verdict(filter, { arch: X86_64, nr: openat2 - 1 })).toBe(errno(1));
    expect(verdict(filter, { arch: X86_64, nr: openat2 + 1 })).toBe(errno(38));
    expect(verdict(filter, { arch: I386, nr: nr('read', 'x86') })).toBe(ALLOW);
    expect(verdict(filter, { arch: I386, nr: 9999 })).toBe(errno(38));
    expect(verdict(filter, { arch: X86_64, nr: 0x40000000 })).toBe(ALLOW); // x32 read
    expect(verdict(filter, { arch: X86_64, nr: 0x40000000 + 9999 })).toBe(errno(38));
    expect(verdict(filter, { arch: 0x400000b7, nr: 63 })).toBe(0); // another processor altogether: killed
    const allowing = compileFilter(
      { ...profile, defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('SCMP_ACT_ERRNO', ['read'])] },
      'x64',
    ).filter;
    expect(verdict(allowing, { arch: X86_64, nr: 9999 })).toBe(ALLOW);
  });

  test('values of 64 bits are compared with to the last bit', () => {
    const value = 18446744073709551613n;
    const json = JSON.stringify({
      ociVersion: '1.3.0',
      root: { path: 'rootfs' },
      process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', env: ['A="value": 18446744073709551613,'] },
      linux: {
        namespaces: [{ type: 'mount' }],
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [rule('SCMP_ACT_ERRNO', ['lseek'], [{ index: 1, value: 1, op: 'SCMP_CMP_EQ' }])],
        },
      },
    }).replace('"value":1,', `"value": ${value},`);
    const config = parseConfig(json, 'c');
    expect(config.process?.env).toEqual(['A="value": 18446744073709551613,']);
    const profile = parseConfig(JSON.stringify(config), 'c').linux?.seccomp as Seccomp;
    expect(ask(profile, 'lseek', 0, value)).toBe(errno(1));
    for (const other of [value - 1n, value + 1n, value + 2n]) expect(ask(profile, 'lseek', 0, other)).toBe(ALLOW);
    const all = parseConfig(json.replaceAll(String(value), '18446744073709551615'), 'c').linux?.seccomp as Seccomp;
    expect(ask(all, 'lseek', 0, 2n ** 64n - 1n)).toBe(errno(1));
    expect(() => parseConfig(json.replaceAll(String(value), '28446744073709551615'), 'c')).toThrow(/2\^64-1/);
  });

  test('what breaks the specification is named with its place', () => {
    const bad = (change: Partial<Seccomp>) => () => compileFilter({ defaultAction: 'SCMP_ACT_ALLOW', ...change }, 'x64');
    expect(bad({ defaultAction: 'SCMP_ACT_MAYBE' })).toThrow(/#\/linux\/seccomp\/defaultAction.*SCMP_ACT_MAYBE/);
    expect(bad({ architectures: ['SCMP_ARCH_Z80'] })).toThrow(/architectures\/0/);
    expect(bad({ flags: ['SECCOMP_FILTER_FLAG_NO'] })).toThrow(/flags\/0/);
    expect(bad({ syscalls: [rule('SCMP_ACT_ERRNO', ['read'], [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }])] })).toThrow(
      /syscalls\/0\/args\/0\/index/,
    );
    expect(bad({ syscalls: [rule('SCMP_ACT_ERRNO', ['read'], [{ index: 0, value: 0, op: 'EQ' }])] })).toThrow(/args\/0\/op/);
    expect(bad({ defaultAction: 'SCMP_ACT_NOTIFY' })).toThrow(/defaultAction/);
  });

  test('the default profile', () => {
    const plain = compileFilter(defaultSeccomp(['CAP_CHOWN'], 'x64', [6, 1]), 'x64').filter;
    const admin = compileFilter(defaultSeccomp(['CAP_SYS_ADMIN'], 'x64', [6, 1]), 'x64').filter;
    const say = (filter: Uint8Array, name: string, ...args: number[]) => verdict(filter, { arch: X86_64, nr: nr(name), args });
    for (const name of ['read', 'execve', 'futex', 'ptrace', 'prctl', 'seccomp', 'arch_prctl']) expect(say(plain, name), name).toBe(ALLOW);
    for (const name of [
      'mount',
      'setns',
      'unshare',
      'bpf',
      'reboot',
      'init_module',
      'keyctl',
      'add_key',
      'io_uring_setup',
      'userfaultfd',
      'kexec_load',
      'swapon',
    ])
      expect(say(plain, name), name).toBe(errno(1));
    expect(say(plain, 'clone', 17)).toBe(ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(say(plain, 'clone', flag | 17)).toBe(errno(1));
      expect(say(admin, 'clone', flag | 17)).toBe(ALLOW);
    }
    expect(say(plain, 'clone3')).toBe(errno(38));
    expect(say(admin, 'clone3')).toBe(ALLOW);
    expect(say(admin, 'mount')).toBe(ALLOW);
    expect([1, 2, 16, 38, 39, 40, 41].map((family) => say(plain, 'socket', family))).toEqual([
      ALLOW,
      ALLOW,
      ALLOW,
      errno(1),
      ALLOW,
      errno(1),
      ALLOW,
    ]);
    expect([0, 8, 0x20000, 0x20008, 0xffffffff, 0x40000].map((p) => say(plain, 'personality', p))).toEqual([
      ALLOW,
      ALLOW,
      ALLOW,
      ALLOW,
      ALLOW,
      errno(1),
    ]);
    expect(say(compileFilter(defaultSeccomp([], 'x64', [4, 7]), 'x64').filter, 'ptrace')).toBe(errno(1));
  });

  const folder = mkdtempSync(join(tmpdir(), 'seccomp-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('kept filters are private, and used only when they are whole and ours', () => {
    const cache = join(folder, 'cache');
    const profile: Seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule('SCMP_ACT_ERRNO', ['mkdir'])] };
    const made = cachedFilter(profile, 'x64', cache);
    const [name] = readdirSync(cache);
    const file = join(cache, name as string);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const origin = readFileSync(file, 'utf8').split('\0')[0] as string;
    expect(readKept(cache, origin)).toEqual(made.filter);
    expect(readKept(cache, `${origin} `)).toBeUndefined();
    expect(cachedFilter(profile, 'x64', cache).filter).toEqual(made.filter);
    chmodSync(file, 0o622);
    expect(readKept(cache, origin)).toBeUndefined();
    chmodSync(file, 0o600);
    truncateSync(file, statSync(file).size - 3);
    expect(readKept(cache, origin)).toBeUndefined();
    writeFileSync(file, '');
    expect(readKept(cache, origin)).toBeUndefined();
    keep(cache, 'other', new Uint8Array(16));
    expect(readKept(cache, 'other')).toEqual(new Uint8Array(16));
    // Another profile with the same short name is told apart by the text in front of the filter.
    writeFileSync(
      join(cache, readdirSync(cache).find((n) => n !== name) as string),
      Buffer.concat([Buffer.from('another\0'), Buffer.alloc(16)]),
    );
    expect(readKept(cache, 'other')).toBeUndefined();
    expect(readKept(cache, 'missing')).toBeUndefined();
  });
});

test('an architecture of which the profile names nothing is left to the filter', () => {
  expect(enosysPrologue([{ token: X86_64, last: 0 }]).length).toBe(0);
});

test('flags; TSYNC says nothing where there is one thread', () => {
  expect(
    filterFlags({
      defaultAction: 'SCMP_ACT_ALLOW',
      flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
    }),
  ).toBe(6);
});

describe('the step', () => {
  const config: Config = {
    ociVersion: '1.2.0',
    linux: { seccomp: { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW' }] } },
  };

  test('without libseccomp it is shown, with a warning, and refused for a real run', () => {
    const draft = newDraft(config, TYPICAL_HOST);
    compileSeccomp(draft, { socket: 5, id: 'x', bundle: '/b' });
    expect(draft.steps).toHaveLength(1);
    expect(JSON.stringify(draft.steps[0]?.call)).toContain('compiled by libseccomp when it runs');
    expect(draft.warnings).toHaveLength(1);
    expect(seccompMissing(config, TYPICAL_HOST)).toMatch(/libseccomp/);
  });

  test('with a filter', () => {
    const host = { ...TYPICAL_HOST, seccompFilter: new Uint8Array(24) };
    const draft = newDraft(config, host);
    compileSeccomp(draft, { socket: 5, id: 'x', bundle: '/b' });
    expect(draft.steps[0]).toMatchObject({ actor: 'init', from: '#/linux/seccomp', man: 'seccomp(2)', call: { name: 'seccomp' } });
    expect(JSON.stringify(draft.steps[0]?.call)).toContain('3 BPF instructions');
    expect(draft.warnings).toEqual([]);
    expect(seccompMissing(config, host)).toBeUndefined();
    expect(seccompMissing({ ociVersion: '1.2.0' }, TYPICAL_HOST)).toBeUndefined();
  });

  test('none is made when none is asked for', () => {
    const draft = newDraft({ ociVersion: '1.2.0' }, TYPICAL_HOST);
    compileSeccomp(draft, { socket: 5, id: 'x', bundle: '/b' });
    expect(draft.steps).toEqual([]);
  });
});
