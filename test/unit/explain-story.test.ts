import { describe, expect, it } from 'vitest';
import { drawStory } from '../../src/explain/html-story.ts';
import type { StepRecord } from '../../src/explain/json.ts';
import { reasonOf, shortName, topicOf } from '../../src/explain/message-why.ts';
import { storyBlocks } from '../../src/explain/story-blocks.ts';
import { renderStory } from '../../src/explain/story-html.ts';
import { storyJson } from '../../src/explain/story-json.ts';
import { storyLanes } from '../../src/explain/story-lanes.ts';
import { storyOpening, storyText } from '../../src/explain/story-text.ts';
import type { Answered, Fields, Sent, StoryRecord } from '../../src/messages/message.ts';
import { encodeProgram } from '../../src/runc/program/json.ts';
import { sampleProgram } from './explain-sample.ts';

const TASKS = 'containerd.services.tasks.v1.Tasks';
const SHIM = 'containerd.task.v2.Task';

const sent = (id: string, from: string, to: string, name: string, carries: Fields = {}, within?: string): Sent => ({
  kind: 'sent',
  id,
  ...(within === undefined ? {} : { within }),
  at: 0,
  pid: 7,
  from,
  to,
  protocol: 'ttrpc',
  name,
  carries,
});
const answered = (id: string, answer?: Fields): Answered => ({ kind: 'answered', id, at: 0, ns: 2_500_000, ...(answer ? { answer } : {}) });
const step = (number: number, actor: string): StepRecord => ({
  step: number,
  total: 2,
  actor,
  chapter: 'the command',
  call: `close(${number})`,
  result: 0,
  ns: 1000,
  why: 'Why.',
  changed: [],
  man: 'close(2)',
  from: 'minirun',
});

const ID = 'a'.repeat(64);
/** A create with steps in it, beside a wait that lasts. */
const RECORDS: StoryRecord[] = [
  sent('1.1', 'minirun', 'containerd', `${TASKS}/Create`, { container_id: ID }),
  sent('1.2', 'containerd', 'shim', `${SHIM}/Create`, { id: ID }, '1.1'),
  sent('9.1', 'shim', 'runc', 'create', {}, '1.2'),
  { kind: 'step', within: '9.1', at: 0, text: '   1  init  close(1) = 0\n', step: step(1, 'init') },
  answered('9.1', { pid: 42 }),
  answered('1.2', { pid: 42 }),
  answered('1.1', { pid: 42 }),
  sent('1.3', 'minirun', 'containerd', `${TASKS}/Wait`),
  sent('1.4', 'minirun', 'containerd', `${TASKS}/Start`),
  sent('1.5', 'containerd', 'shim', `${SHIM}/Wait`, {}, '1.3'),
  answered('1.5', { exit_status: 3 }),
  answered('1.4'),
  answered('1.3', { exit_status: 3 }),
];

function textOf(records: StoryRecord[], width = 100): string {
  let text = '';
  const story = storyText({ width, write: (piece) => (text += piece) });
  for (const record of records) story.take(record);
  story.end();
  return text;
}

describe('as text', () => {
  const text = textOf(RECORDS);
  const lines = text.split('\n');
  const heads = lines.filter((line) => line.includes('→') || /└ \d/.test(line)).map((line) => line.replace(/ {3,}.*/, ''));

  it('puts each message, its steps and its answer within the one that caused it', () => {
    expect(heads).toEqual([
      '┌ 1  minirun → containerd  Tasks/Create',
      '│ ┌ 2  containerd → shim  Task/Create',
      '│ │ ┌ 3  shim → runc  create',
      '│ │ └ 3  = pid 42',
      '│ └ 2  = pid 42',
      '└ 1  = pid 42',
      '┌ 4  minirun → containerd  Tasks/Wait',
      '┌ 5  minirun → containerd  Tasks/Start',
      '│ ┌ 6  containerd → shim  Task/Wait',
      '│ └ 6  = exit_status 3',
      '└ 5  = done',
      '└ 4  = exit_status 3',
    ]);
    expect(lines).toContain('│ │ │    1  init  close(1) = 0');
  });

  it('says where a message belongs when another one was begun since', () => {
    expect(lines.find((line) => line.includes('6  containerd'))).toMatch(/ttrpc, within 4$/);
    expect(lines.find((line) => line.includes('2  containerd'))).toMatch(/ttrpc$/);
  });

  it('tells a reason once, and the time of each answer', () => {
    const why = reasonOf(RECORDS[1] as Sent)?.why.slice(0, 40) as string;
    expect(textOf([...RECORDS, ...RECORDS]).split(why)).toHaveLength(2);
    expect(lines.filter((line) => line.endsWith('2.50 ms'))).toHaveLength(6);
  });

  it('keeps to the width', () => {
    const long = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`field_${i}`, 'x'.repeat(30)]));
    for (const width of [60, 100]) {
      const all = textOf([sent('1.1', 'minirun', 'containerd', `${TASKS}/Create`, long), answered('1.1', long)], width).split('\n');
      for (const line of all) expect(line.length).toBeLessThanOrEqual(width);
    }
  });

  it('shows what a terminal would obey', () => {
    const evil = sent('1.1', 'mini\u001b[2Jrun', 'containerd', 'x\u001b]0;t\u0007', { 'a\u001b[1m': 'b\u001b[31m\r' });
    const failed: Answered = { ...answered('1.1'), failure: 'no\u001b[2J' };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
    expect(textOf([evil, failed])).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
  });

  it('says what was never answered, and ignores an answer to nothing', () => {
    expect(textOf(RECORDS.slice(0, 1))).toContain('1 (Tasks/Create) has had no answer.');
    expect(textOf([answered('5.5')])).toBe('');
  });

  it('introduces who takes part', () => {
    const opening = storyOpening(['minirun', 'shim', 'runc'], 'A heading.', { width: 80 });
    expect(opening.split('\n')[0]).toBe('A heading.');
    for (const line of opening.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(opening).toContain('  shim     a small process that stays');
  });
});

it('is JSON lines for programs: messages, answers, and steps within them', () => {
  const out: string[] = [];
  const story = storyJson({ write: (line) => out.push(line) });
  for (const record of RECORDS) story.take(record);
  const lines = out.map((line) => JSON.parse(line));
  expect(lines).toHaveLength(RECORDS.length);
  expect(lines[1]).toMatchObject({ message: 2, within: 1, from: 'containerd', to: 'shim', name: `${SHIM}/Create`, carries: { id: ID } });
  expect(lines[1].why).toMatch(/one layer down/);
  expect(lines[3]).toMatchObject({ step: 1, within: 3, call: 'close(1)' });
  expect(lines[4]).toEqual({ message: 3, at: 0, ns: 2_500_000, answer: { pid: 42 } });
  expect(out.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true);
});

describe('as blocks', () => {
  const blocks: { text: string; id: string | undefined }[] = [];
  const told = storyBlocks({ title: 'shim, process 9', width: 100, write: (text, id) => blocks.push({ text, id }) });
  const create = (pid: number, id: string): StoryRecord[] => [
    sent(`${pid}.1`, 'containerd', 'shim', `${SHIM}/Create`, { id }),
    sent(`${pid}.2`, 'shim', 'runc', 'create', { id }, `${pid}.1`),
    answered(`${pid}.2`),
    answered(`${pid}.1`),
  ];
  const [a, b] = [create(1, 'web'), create(2, 'db')];

  it('keeps what happens at the same time apart, one write a block', () => {
    for (let i = 0; i < 4; i++) for (const list of [a, b]) told.take(list[i] as StoryRecord);
    expect(blocks.map(({ id }) => id)).toEqual(['web', 'db']);
    for (const { text, id } of blocks) {
      expect(text).toMatch(new RegExp(`^\\n== Task/Create ${id}\\n {3}\\d{4}-\\d\\d-\\d\\d .*, told by shim, process 9\\n`));
      expect(text).toContain('│ ┌ 2  shim → runc  create');
      expect(text.trimEnd().split('\n').at(-1)).toContain('└ 1  = done');
      expect(text).not.toContain(id === 'web' ? '"db"' : '"web"');
    }
  });

  it('writes a long one in parts, each under its heading', () => {
    blocks.length = 0;
    told.take(a[0] as StoryRecord);
    for (let i = 0; i < 3; i++) told.take({ kind: 'step', within: '1.1', at: 0, text: `${'x'.repeat(90)}\n`.repeat(700) });
    told.take(a[3] as StoryRecord);
    expect(blocks.length).toBeGreaterThan(1);
    for (const { text } of blocks.slice(1)) expect(text).toMatch(/^\n== Task\/Create web, continued\n/);
  });
});

describe('as a page', () => {
  const lanes = storyLanes(RECORDS);

  it('orders the lanes from the person down, whoever takes part', () => {
    expect(lanes.parts).toEqual(['minirun', 'containerd', 'shim', 'runc', 'init']);
    const docker = storyLanes([
      sent('1', 'docker', 'dockerd', 'POST /containers/create'),
      sent('2', 'dockerd', 'containerd', `${TASKS}/Create`, {}, '1'),
    ]);
    expect(docker.parts).toEqual(['docker', 'dockerd', 'containerd']);
    expect(storyLanes([sent('1', 'a client', 'containerd', 'x')]).parts).toEqual(['a client', 'containerd']);
  });

  it('has a row for each message, each answer and each run of steps, and knows who is busy', () => {
    expect(lanes.rows.map((row) => row.kind)).toEqual(RECORDS.map((r) => (r.kind === 'step' ? 'steps' : r.kind)));
    expect(lanes.rows[3]?.active).toEqual(['containerd', 'shim', 'runc']);
    expect(lanes.rows.at(-1)?.active).toEqual(['containerd']);
    expect(lanes.ran.get(1)?.call).toBe('close(1)');
  });

  it('draws an arrow there and one back', () => {
    const html = drawStory(lanes);
    expect(html.match(/class="way sent"/g)).toHaveLength(6);
    expect(html.match(/class="way answered"/g)).toHaveLength(6);
    expect(html).toContain('href="#step-1"');
    expect(html).toContain('<details class="message" id="message-3">');
  });

  it('lets nothing of a message become markup', () => {
    const evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
    const records: StoryRecord[] = [
      sent('1.1', evil, evil, evil, { [evil]: evil, events: [evil] }),
      {
        kind: 'step',
        within: '1.1',
        at: 0,
        step: { ...step(1, 'init'), call: `open("${evil}")`, errno: evil, chapter: evil, actor: evil },
      },
      { ...answered('1.1', { [evil]: evil }), failure: evil },
    ];
    const html = renderStory(records, { ociVersion: '1.0.2', process: { args: [evil] } } as never);
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img');
    expect(html.match(/<script/g)).toBeNull();
  });

  it('shows the program with what came of its steps, and asks nobody for anything', () => {
    const { program, config } = sampleProgram({ rootfs: '/srv/rootfs', args: ['/bin/sh'] });
    const told: StoryRecord = { kind: 'program', within: '9.1', at: 0, program: JSON.parse(encodeProgram(program)) };
    const html = renderStory([...RECORDS.slice(0, 3), told, ...RECORDS.slice(3)], config);
    expect(html).toContain('id="message-1"');
    expect(html).toContain('id="step-1"');
    expect(html).toContain('When it ran: <code><span class="fine">= 0</span></code>, 1 µs');
    expect(html).not.toMatch(/<(link|img|iframe)|src=|@import|url\(http/);
    expect(html).toContain('default-src &#39;none&#39;');
  });
});

it('has a reason for all that is sent when a container is run', () => {
  const names = ['Create', 'Start', 'Wait', 'Delete', 'Kill', 'ResizePty', 'CloseIO'];
  for (const name of names) {
    for (const service of [TASKS, SHIM])
      expect(reasonOf(sent('1', 'a', 'b', `${service}/${name}`))?.why, `${service}/${name}`).toBeTruthy();
  }
  for (const name of ['create', 'start', 'kill', 'delete', 'exec']) expect(reasonOf(sent('1', 'shim', 'runc', name))?.why).toBeTruthy();
  for (const name of ['start', 'delete']) {
    expect(reasonOf({ ...sent('1', 'containerd', 'shim', name), protocol: 'a new process' })?.why).toContain('shim');
  }
  const event = sent('1', 'shim', 'containerd', 'containerd.services.events.ttrpc.v1.Events/Forward', {
    envelope: { topic: '/tasks/exit' },
  });
  expect(topicOf(event)).toBe('/tasks/exit');
  expect(reasonOf(event)?.why).toContain('has ended');
  expect(shortName(event.name)).toBe('Events/Forward');
  expect(reasonOf(sent('1', 'a', 'b', 'some.Other/Method'))).toBeUndefined();
});
