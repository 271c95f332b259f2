import { describe, expect, test } from 'vitest';
import type { Container } from '../../../src/dockerd/container/containers.ts';
import { checkPsArguments, processesIn, topOf } from '../../../src/dockerd/container/top.ts';

const EF = `UID          PID    PPID  C STIME TTY          TIME CMD
root         217     197  0 12:09 ?        00:00:00 sh -c sleep 1000; true
root         300       1  0 12:09 ?        00:00:00 init
root         218     217  0 12:09 ?        00:00:00 sleep 1000
`;

test('rows of the container; the last column may have spaces', () => {
  expect(processesIn(EF, new Set([217, 218]))).toEqual({
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    Processes: [
      ['root', '217', '197', '0', '12:09', '?', '00:00:00', 'sh -c sleep 1000; true'],
      ['root', '218', '217', '0', '12:09', '?', '00:00:00', 'sleep 1000'],
    ],
  });
});

test('threads belong to the process before them', () => {
  const text = 'PID TTY STAT COMMAND\n1 ? - init\n- - Ss -\n7 ? - app\n- - Sl -\n- - Sl -\n';
  expect(processesIn(text, new Set([7])).Processes).toEqual([
    ['7', '?', '-', 'app'],
    ['-', '-', 'Sl', '-'],
    ['-', '-', 'Sl', '-'],
  ]);
});

test('without a column PID there is no choosing', () => {
  expect(() => processesIn('USER\nroot\n', new Set([1]))).toThrow("Couldn't find PID field in ps output");
  expect(() => processesIn('PID\nx1\n', new Set([1]))).toThrow("Unexpected pid 'x1'");
});

test('no other column may be called PID', () => {
  expect(() => checkPsArguments('-o pid,ppid=PID')).toThrow('specifying "pid,ppid=PID" is not allowed');
  expect(() => checkPsArguments('-o user=PID')).toThrow('specifying "user=PID" is not allowed');
  expect(() => checkPsArguments('-o pid=PID,user')).not.toThrow();
  expect(() => checkPsArguments('-ef')).not.toThrow();
});

describe('with the ps of this machine', () => {
  const container = (Status: string) => ({ id: 'abc', record: { State: { Status } } }) as unknown as Container;
  const clients = { tasks: { listPids: async () => ({ processes: [{ pid: process.pid }] }) } } as never;
  test('this process is found', async () => {
    const { Titles, Processes } = await topOf({ clients }, container('running'), '-o pid,comm');
    expect(Titles).toEqual(['PID', 'COMMAND']);
    expect(Processes.map(([pid]) => pid)).toEqual([String(process.pid)]);
  });
  test('options that cannot stand beside a list of processes', async () => {
    const { Processes } = await topOf({ clients }, container('running'), 'aux');
    expect(Processes.map(([, pid]) => pid)).toEqual([String(process.pid)]);
  });
  test('what ps says', async () => {
    await expect(topOf({ clients }, container('running'), '--no-such-option')).rejects.toThrow(/^ps: error: unknown gnu long option/);
  });
  test('nothing of it reaches a shell', async () => {
    await expect(topOf({ clients }, container('running'), '-ef; touch /tmp/minirun-top-was-here')).rejects.toThrow(/^ps: /);
  });
  test('it must run', async () => {
    await expect(topOf({ clients }, container('exited'), '')).rejects.toMatchObject({
      status: 409,
      message: 'container abc is not running',
    });
    await expect(topOf({ clients }, container('restarting'), '')).rejects.toMatchObject({ status: 409 });
  });
});
