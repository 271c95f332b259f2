import { expect, it } from 'vitest';
import { renderJson } from '../../src/explain/json.ts';
import { displayWidth } from '../../src/explain/style.ts';
import { renderText } from '../../src/explain/text.ts';
import { CLONE, MS, O } from '../../src/libc/flags.ts';
import * as calls from '../../src/runc/program/calls.ts';
import { decodeProgram } from '../../src/runc/program/json.ts';
import { type Program, ref, type Step } from '../../src/runc/program/step.ts';

const step = (call: Step['call'], more: Partial<Step> = {}): Step => ({
  actor: 'init',
  chapter: 'namespaces',
  call,
  why: `Why ${call.name} is called, in a sentence that is long enough to be wrapped.`,
  man: `${call.name}(2)`,
  from: 'minirun',
  ...more,
});

const program: Program = {
  version: 1,
  arch: 'x64',
  warnings: ['CAP_SYS_RESOURCE is not to be had here'],
  steps: [
    step(calls.unshare(CLONE.CLONE_NEWNS), { from: '#/linux/namespaces/0' }),
    step(calls.mount(null, '/', null, MS.MS_REC | MS.MS_PRIVATE, null), { chapter: 'root file system' }),
    step(calls.open('/srv/rootfs', O.O_PATH), { chapter: 'root file system', saves: 'root', ignore: ['EEXIST', 'EPERM'] }),
    step(calls.close(ref('root')), { chapter: 'root file system', minor: true, why: 'It has done its work.' }),
    step(calls.close(ref('root')), { chapter: 'root file system', minor: true, why: 'It has done its work.' }),
  ],
};

it('prints each step with its number, actor, call, why and references', () => {
  const text = renderText(program, { width: 80 });
  expect(text).toContain('starts in 5 steps');
  expect(text).toContain('! warning: CAP_SYS_RESOURCE is not to be had here');
  expect(text).toMatch(/^── namespaces ─+ step 1 of 5 ──$/m);
  expect(text).toMatch(/^── root file system ─+ steps 2 to 5 of 5 ──$/m);
  expect(text).toContain('  1  init     unshare(CLONE_NEWNS)\n              Why unshare is called');
  expect(text).toContain('see unshare(2) · config #/linux/namespaces/0');
  expect(text).toContain('openat(AT_FDCWD, "/srv/rootfs", O_PATH) = <root>');
  expect(text).toContain('may fail with EEXIST or EPERM');
  for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(80);
});

it('gives the reason of small print once', () => {
  const text = renderText(program);
  expect(text.match(/It has done its work/g)).toHaveLength(1);
  expect(text.match(/close\(<root>\)/g)).toHaveLength(2);
  expect(text).not.toContain('close(2)');
});

it('is plain unless colour is asked for, and the same text with it', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  const sequences = /\u001b\[\d+m/g;
  expect(renderText(program)).not.toMatch(sequences);
  const coloured = renderText(program, { colour: true });
  expect(coloured).toMatch(sequences);
  expect(coloured.replace(sequences, '')).toBe(renderText(program));
});

it('stays inside a narrow terminal where the call allows it', () => {
  for (const line of renderText(program, { width: 44 }).split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(44);
});

it('writes JSON that reads back as the same program', () => {
  expect(decodeProgram(renderJson(program))).toEqual(program);
});
