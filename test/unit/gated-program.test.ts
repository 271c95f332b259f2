/** A `create` is one value, the runtime's own steps in it: somebody else could perform it. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { ACTORS, flatten } from '../../src/runc/program/flatten.ts';
import { decodeProgram, encodeProgram } from '../../src/runc/program/json.ts';
import { serialise } from '../../src/runc/program/serialise.ts';
import type { Program } from '../../src/runc/program/step.ts';
import { TOKENS } from '../../src/runc/program/tokens.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { defaultConfig } from '../../src/runc/spec/default-config.ts';

const { cgroup, arch, kernel } = TYPICAL_HOST;
const plain = defaultConfig({ id: 'box', rootfs: '/bundle/rootfs', args: ['/bin/true'], terminal: false, cgroup, arch, kernel });
const config: Config = {
  ...plain,
  hooks: {
    prestart: [{ path: '/usr/bin/net', args: ['net', 'add'], env: ['A=b'], timeout: 5 }],
    createRuntime: [{ path: '/usr/bin/runtime' }],
    createContainer: [{ path: '/usr/bin/inside' }],
    startContainer: [{ path: '/bin/ldconfig' }],
    poststart: [{ path: '/usr/bin/after' }],
  },
  linux: {
    ...plain.linux,
    resources: { ...plain.linux?.resources, memory: { limit: 2 ** 33 }, pids: { limit: 10 } },
    sysctl: { 'net.ipv4.ip_forward': '1' },
  },
};

const created = (): Program =>
  compile(config, { ...TYPICAL_HOST, seccompFilter: new Uint8Array(16) }, { id: 'box', bundle: '/bundle', gated: true, preserveFds: 1 });

const bytes = (program: Program): Buffer => {
  const silent = new Set(program.steps.flatMap((s, i) => (s.mutes ? [i] : [])));
  const unattended = new Set(program.steps.flatMap((s, i) => (s.unattended ? [i] : [])));
  return serialise(flatten(program), 'lockstep', ACTORS.indexOf('starter'), silent, unattended);
};

describe('the program of a create', () => {
  it('is the same after a way through JSON, to the last byte that init reads', () => {
    const program = created();
    const again = decodeProgram(encodeProgram(program));
    // Not toStrictEqual: that a property is there and undefined is lost, and means nothing.
    expect(again).toEqual(program);
    expect(bytes(again).equals(bytes(program))).toBe(true);
    expect(encodeProgram(again)).toBe(encodeProgram(program));
  });

  it('holds nothing that only this process has', () => {
    const odd: string[] = [];
    const look = (value: unknown, place: string): void => {
      if (typeof value === 'function' || typeof value === 'symbol') odd.push(place);
      if (value === null || typeof value !== 'object') return;
      if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) odd.push(`${place}: ${value.constructor.name}`);
      for (const [key, inner] of Object.entries(value)) look(inner, `${place}.${key}`);
    };
    look(created(), 'program');
    expect(odd).toEqual([]);
  });

  it('has the steps of all three actors, and each wait has its signal', () => {
    const { steps } = created();
    expect(new Set(steps.map((s) => s.actor))).toEqual(new Set(['runtime', 'starter', 'init']));
    const tokens = (kind: 'wait' | 'signal') => steps.filter((s) => s.sync?.kind === kind).map((s) => s.sync?.token);
    for (const token of tokens('wait')) expect(tokens('signal')).toContain(token);
    // The one that nobody waits for in the program is heard by `start`.
    expect(tokens('signal').filter((token) => !tokens('wait').includes(token))).toEqual([TOKENS.started]);
  });

  it('has the hooks of its time as steps of the runtime, with all that they need', () => {
    const hooks = created().steps.filter((s) => s.call.name === 'run_hook');
    expect(hooks.map((s) => [s.from, s.actor])).toEqual([
      ['#/hooks/prestart/0', 'runtime'],
      ['#/hooks/createRuntime/0', 'runtime'],
      ['#/hooks/createContainer/0', 'runtime'],
    ]);
    const [prestart, , inside] = hooks.map((s) => s.call.args);
    expect(prestart?.slice(1, 4)).toMatchObject([{ items: ['net', 'add'] }, { items: ['A=b'] }, { value: 5 }]);
    expect(JSON.stringify(prestart?.[4])).toContain('{"kind":"result","of":"init"}');
    expect(inside?.[5]).toMatchObject({ kind: 'result', of: 'init' });
    expect(inside?.[6]).toMatchObject({ parts: ['/bundle/rootfs'] });
  });

  it('has the cgroups and their limits as steps of the runtime', () => {
    const runtime = created().steps.filter((s) => s.actor === 'runtime' && s.chapter === 'cgroup');
    expect(runtime.some((s) => s.call.name === 'mkdirat')).toBe(true);
    expect(runtime.some((s) => s.from === '#/linux/resources/memory/limit')).toBe(true);
  });

  it('ends behind the gate with nothing for the runtime to do', () => {
    const { steps, gated, preserveFds } = created();
    const gate = steps.findIndex((s) => s.call.name === 'accept4');
    expect(gate).toBeGreaterThan(0);
    expect(steps.slice(gate).every((s) => s.actor === 'init')).toBe(true);
    expect(steps.at(-1)?.call.name).toBe('execve');
    expect({ gated, preserveFds }).toEqual({ gated: true, preserveFds: 1 });
  });
});
