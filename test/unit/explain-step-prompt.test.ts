import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { narrator } from '../../src/explain/narrate.ts';
import { readLine, stepPrompt } from '../../src/explain/step-prompt.ts';
import { planShell } from '../../src/explain/step-shell.ts';
import { Aborted, type Observer } from '../../src/runc/engine/observer.ts';
import * as calls from '../../src/runc/program/calls.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';

const step = (path: string, chapter: Step['chapter']): Step => ({
  actor: 'init',
  chapter,
  call: calls.chdir(path),
  why: `Why ${path}.`,
  man: 'chdir(2)',
  from: 'minirun',
});
const program: Program = {
  version: 1,
  arch: 'x64',
  warnings: [],
  steps: [step('/a', 'identity'), step('/b', 'identity'), step('/c', 'cgroup'), step('/d', 'cgroup')],
};

let folder: string;
let input: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prompt-'));
});
afterEach(() => {
  closeSync(input);
  rmSync(folder, { recursive: true });
});

/** Runs all steps with these answers; returns what was written and which steps a shell was opened at. */
function answer(
  answers: string,
  inner?: (write: (text: string) => void) => Observer,
): { text: string; shells: number[]; error: unknown; ran: number } {
  writeFileSync(join(folder, 'answers'), answers);
  input = openSync(join(folder, 'answers'), 'r');
  const out = { text: '', shells: [] as number[], error: undefined as unknown, ran: 0 };
  const write = (text: string) => {
    out.text += text;
  };
  const observer = stepPrompt(inner ? inner(write) : narrator({ write }), {
    input,
    write,
    openShell: (where) => out.shells.push(where.index),
  });
  try {
    program.steps.forEach((s, index) => {
      const where = { program, index, step: s, pid: process.pid };
      observer.begin?.(where);
      out.ran++;
      observer.end?.(where, { result: 0, ns: 1000, ignored: false });
    });
  } catch (error) {
    out.error = error;
  }
  return out;
}
const questions = (text: string): number => text.match(/\[Enter n c s q \?\]/g)?.length ?? 0;

it('asks before each step', () => {
  const { text, error, ran } = answer('\n\n\n\n');
  expect(error).toBeUndefined();
  expect(ran).toBe(4);
  expect(questions(text)).toBe(4);
  expect(text.indexOf('chdir("/a")')).toBeLessThan(text.indexOf('step 1 of 4'));
  expect(text.match(/chdir\("\/a"\)/g)).toHaveLength(1);
});

it('continues to the end with c, and to the next chapter with n', () => {
  expect(questions(answer('c\n').text)).toBe(1);
  closeSync(input);
  const { text, ran } = answer('n\nc\n');
  expect(ran).toBe(4);
  expect(questions(text)).toBe(2);
  expect(text).toContain('step 3 of 4');
  expect(text).not.toContain('step 2 of 4');
});

it('opens a shell and asks again; explains unknown answers', () => {
  const { text, shells, ran } = answer('s\nwhat\n\nq\n');
  expect(shells).toEqual([0]);
  expect(ran).toBe(1);
  expect(questions(text)).toBe(4);
  expect(text).toContain('"what" is none of the answers');
});

it('stops with q, and at the end of the input', () => {
  expect(answer('q\n').error).toBeInstanceOf(Aborted);
  closeSync(input);
  const { error, ran } = answer('\n');
  expect(error).toBeInstanceOf(Aborted);
  expect(ran).toBe(1);
});

it('tells the story itself beside an observer that cannot announce', () => {
  const seen: number[] = [];
  const { text, ran } = answer('\nc\n', () => ({ end: (where) => seen.push(where.index) }));
  expect(ran).toBe(4);
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(text).toContain('Why /d.');
});

it('reads lines of any text, and the last one without an end', () => {
  writeFileSync(join(folder, 'lines'), 'Grüße\n\nlast');
  input = openSync(join(folder, 'lines'), 'r');
  expect([readLine(input), readLine(input), readLine(input), readLine(input)]).toEqual(['Grüße', '', 'last', undefined]);
});

it('enters the namespaces that differ, with the shell that is there', () => {
  input = openSync(folder, 'r');
  expect(planShell(42, { foreign: ['mnt', 'pid', 'pid_for_children'], hasShell: true, canBecomeRoot: true }).argv).toEqual([
    'nsenter',
    '--target=42',
    '--mount',
    '--pid',
    '--root',
    '--wd',
    '/bin/sh',
    '-i',
    '+m',
  ]);
  const bare = planShell(42, { foreign: ['user', 'mnt', 'uts'], hasShell: false, canBecomeRoot: false });
  expect(bare.argv).toEqual(['nsenter', '--target=42', '--user', '--uts', '--preserve-credentials', '/bin/sh', '-i', '+m']);
  expect(bare.note).toContain('no /bin/sh below its root');
});
