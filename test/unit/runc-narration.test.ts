import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRuncNarration } from '../../src/cli/runc-narration.ts';
import { execve, runHook } from '../../src/runc/program/calls.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-narration-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const step = (call: Step['call'], chapter: Step['chapter']): Step => ({
  actor: 'init',
  chapter,
  call,
  why: 'Why.',
  man: 'execve(2)',
  from: 'minirun',
});
const program: Program = {
  version: 1,
  arch: 'x64',
  warnings: [],
  steps: [step(runHook('/h', ['/h'], null, 0, ['{}'], null, null), 'hooks'), step(execve('/bin/true', ['true'], []), 'the command')],
};
const never = (sentence: string) => expect.fail(sentence);
const where = (index: number) => ({ program, index, step: program.steps[index] as Step, pid: undefined });
const fine = { result: 0, ns: 1000, ignored: false };

it('tells who asked, for what, and how it ended', () => {
  const file = join(folder, 'story');
  openRuncNarration(file, { command: 'kill', id: 'web' }, never).end(1, 'container not running');
  const [, heading, asked, line, end] = readFileSync(file, 'utf8').split('\n');
  expect(heading).toBe('== kill web');
  expect(asked).toMatch(/^ {3}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC, asked for by .+, process \d+, in \//);
  expect(line).toMatch(/^ {3}minirun-runc/);
  expect(end).toMatch(/^ {3}exit code 1 after .+: container not running$/);
});

it('keeps the stories of calls at the same time apart', () => {
  const file = join(folder, 'story');
  const calls = ['a', 'b'].map((id) => openRuncNarration(file, { command: 'create', id }, never));
  for (const index of [0, 1]) for (const { observer } of calls) observer.begin?.(where(index));
  for (const index of [0, 1]) for (const { observer } of calls) observer.end?.(where(index), fine);
  for (const { end } of calls) end(0);
  const blocks = readFileSync(file, 'utf8')
    .split(/^(?=== )/m)
    .slice(1);
  expect(blocks.map((b) => b.split('\n')[0])).toEqual(expect.arrayContaining(['== create a', '== create b', '== create a, continued']));
  // Every line that ends a call stands under its own heading.
  for (const id of ['a', 'b']) expect(blocks.findLast((b) => b.startsWith(`== create ${id}`))).toContain('exit code 0');
});

it('shows what a hook is waited for, and all before a command that may run for days', () => {
  const file = join(folder, 'story');
  const { observer, end } = openRuncNarration(file, { command: 'run', id: 'a' }, never);
  observer.begin?.(where(0));
  expect(readFileSync(file, 'utf8')).toContain('== run a');
  observer.end?.(where(0), fine);
  observer.end?.(where(1), fine);
  expect(readFileSync(file, 'utf8')).toContain('execve("/bin/true"');
  end(0);
});

it('writes a file for each container into a folder, whatever the id', () => {
  openRuncNarration(folder, { command: 'state', id: '../../x' }, never).end(1);
  expect(readFileSync(join(folder, '.._.._x.txt'), 'utf8')).toContain('== state ../../x');
});

it('is no reason to make no container', () => {
  const said: string[] = [];
  const { observer, end } = openRuncNarration(join(folder, 'none', 'x'), { command: 'create', id: 'a' }, (s) => said.push(s));
  observer.end?.(where(1), fine);
  end(0);
  expect(said.join()).toContain('ENOENT');
  const broken = openRuncNarration(join(folder, 'story'), { command: 'create', id: 'a' }, (s) => said.push(s));
  broken.observer.end?.({ ...where(1), program: undefined as never }, fine);
  broken.end(0);
  expect(said.join()).toContain('the story of create ends early');
});
