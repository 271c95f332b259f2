import { expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '../../../src/dockerd/container/config.ts';
import { type ExecRequest, execProcess } from '../../../src/dockerd/container/spec/exec-process.ts';
import { FACTS, OPTIONS } from './spec-sample.ts';

const ID = 'c'.repeat(64);
const USER = { uid: 7, gid: 8, additionalGids: [8], home: '/h' };
const made = (exec: ExecRequest, Config: ContainerConfig = {}, HostConfig: HostConfig = {}) =>
  execProcess({ container: { Id: ID, Config, HostConfig }, exec: { Cmd: ['id'], ...exec }, user: USER, facts: FACTS, options: OPTIONS });

test('is what the container is, and what was asked on top', () => {
  const config = { Env: ['PATH=/image', 'A=1'], WorkingDir: '/srv', Hostname: 'h' };
  const hostConfig = {
    CapDrop: ['ALL'],
    CapAdd: ['KILL'],
    SecurityOpt: ['no-new-privileges'],
    Ulimits: [{ Name: 'core', Soft: 1, Hard: 2 }],
  };
  expect(made({ Env: ['A=2', 'B=3'] }, config, hostConfig)).toEqual({
    terminal: false,
    user: { uid: 7, gid: 8, additionalGids: [8] },
    args: ['id'],
    env: ['PATH=/image', 'HOSTNAME=h', 'A=2', 'B=3'],
    cwd: '/srv',
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }],
    noNewPrivileges: true,
    oomScoreAdj: 0,
  });
});

test('terminal: of the exec, not of the container', () => {
  expect(made({}, { Tty: true }).env).not.toContain('TERM=xterm');
  expect(made({ Tty: true, ConsoleSize: [24, 80] })).toMatchObject({ terminal: true, consoleSize: { height: 24, width: 80 } });
  expect(made({ Tty: true }).env).toContain('TERM=xterm');
});

test('privileged: all capabilities that the daemon has', () => {
  expect(made({ Privileged: true }, {}, { CapDrop: ['ALL'] }).capabilities?.effective).toEqual(FACTS.capabilities);
});

test('another folder; no command', () => {
  expect(made({ WorkingDir: '/tmp' }, { WorkingDir: '/srv' }).cwd).toBe('/tmp');
  expect(() => made({ Cmd: [] })).toThrow('No exec command specified');
});
