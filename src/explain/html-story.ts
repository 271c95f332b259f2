/** The part of the page that shows the messages: a lane for each layer, an arrow for each message, its steps below it. */
import type { Carried, Fields } from '../messages/message.ts';
import { escapeHtml, paintHtml } from './html-text.ts';
import type { StepRecord } from './json.ts';
import { showFields } from './message-text.ts';
import { PARTS, reasonOf, shortName, topicOf } from './message-why.ts';
import { showTime } from './narrate.ts';
import { shortIds } from './quote.ts';
import { laneOfActor, type StoryLanes, type StoryRow } from './story-lanes.ts';

/** CSS pixels. */
const LANE = 92;
const ROW = 30;

/** A class for a part's colour; other people's names get none. */
const classOf = (part: string): string => (Object.hasOwn(PARTS, part) ? `p-${part}` : 'p-other');

/** The section. All text of the story is escaped. */
export function drawStory(story: StoryLanes): string {
  const x = (part: string): number => LANE * (story.parts.indexOf(part) + 0.5);
  const width = LANE * story.parts.length;
  const lines = story.parts.map((part) => `<i class="lane ${classOf(part)}" style="left:${46 + x(part)}px"></i>`).join('');
  const titles = story.parts
    .map(
      (part) =>
        `<span class="${classOf(part)}" style="width:${LANE}px" title="${escapeHtml(PARTS[part] ?? '')}">${escapeHtml(part)}</span>`,
    )
    .join('');
  const art = (row: StoryRow): string => {
    const bars = row.active
      .map((part) => `<rect class="active ${classOf(part)}" x="${x(part) - 4}" y="0" width="8" height="${ROW}"/>`)
      .join('');
    return `<svg class="story-art" aria-hidden="true" width="${width}" height="${ROW}">${bars}${row.kind === 'steps' ? '' : arrow(row, x)}</svg>`;
  };
  const rows = story.rows.map((row) =>
    row.kind === 'steps' ? stepsRow(row.steps, row.depth, art(row), width) : messageRow(row, art(row)),
  );
  return (
    `<section class="story" aria-label="The messages between the layers" style="--lanes:${width}px"><h2>What crosses between the layers</h2>` +
    `<p>Time runs downwards. A solid arrow is a message, a dashed one its answer; a bar on a lane says that this layer is busy with one. Open a message to see what it carries and why it is sent.</p>` +
    `<div class="story-rows">${lines}<div class="story-titles"><span></span>${titles}</div>${rows.join('')}</div></section>`
  );
}

/** From lane to lane; an answer goes back, dashed. */
function arrow(row: Exclude<StoryRow, { kind: 'steps' }>, x: (part: string) => number): string {
  const { from, to } = row.message;
  const [a, b] = row.kind === 'sent' ? [x(from), x(to)] : [x(to), x(from)];
  const y = ROW / 2;
  const direction = Math.sign(b - a) || 1;
  const tip = b - 5 * direction;
  const failed = row.kind === 'answered' && row.answer.failure !== undefined ? ' failed' : '';
  const head = `M${tip} ${y}L${tip - 8 * direction} ${y - 4.5}L${tip - 8 * direction} ${y + 4.5}Z`;
  return `<path class="way ${row.kind}${failed}" d="M${a + 5 * direction} ${y}L${tip - 7 * direction} ${y}"/><path class="tip ${row.kind}${failed}" d="${head}"/>`;
}

const indent = (depth: number): string => `style="padding-left:${depth * 18}px"`;

function messageRow(row: Exclude<StoryRow, { kind: 'steps' }>, art: string): string {
  const { number, depth, message } = row;
  if (row.kind === 'answered') {
    const { answer, failure, ns } = row.answer;
    const text = failure === undefined ? `= ${answer ? shortIds(showFields(answer)) : 'done'}` : `= failed: ${failure}`;
    return `<div class="srow back"><span class="n"></span>${art}<span class="what" ${indent(depth)}><span class="${failure === undefined ? 'fine' : 'bad'}">${number} ${escapeHtml(text)}</span></span><span class="time">${showTime(ns)}</span></div>`;
  }
  const topic = topicOf(message);
  const name = `<b>${escapeHtml(shortName(message.name))}</b>${topic === undefined ? '' : ` ${escapeHtml(topic)}`}`;
  const reason = reasonOf(message);
  return (
    `<details class="message" id="message-${number}"><summary class="srow"><span class="n">${number}</span>${art}` +
    `<span class="what" ${indent(depth)}>${name} <span class="carried">${escapeHtml(shortIds(showFields(message.carries)))}</span></span><span class="time">${escapeHtml(message.protocol)}</span></summary>` +
    `<div class="more">${reason ? `<p class="why">${escapeHtml(reason.why)}</p>` : ''}` +
    `<p>From <span class="${classOf(message.from)}">${escapeHtml(message.from)}</span> (process ${Number(message.pid)}) to <span class="${classOf(message.to)}">${escapeHtml(message.to)}</span>, ${escapeHtml(message.protocol)}: <code>${escapeHtml(message.name)}</code></p>` +
    table('It carries', message.carries) +
    (row.answer?.answer ? table('The answer', row.answer.answer) : '') +
    (row.answer?.failure === undefined ? '' : `<p class="bad">It failed: ${escapeHtml(row.answer.failure)}</p>`) +
    `${reason?.see ? `<p class="see">See ${escapeHtml(reason.see)}</p>` : ''}</div></details>`
  );
}

function table(title: string, fields: Fields): string {
  const rows = flat(fields).map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`);
  return rows.length ? `<h4>${title}</h4><table>${rows.join('')}</table>` : '';
}

/** `container.runtime.name` and its value, a line each. */
function flat(value: Carried, path = ''): [name: string, value: string][] {
  if (typeof value !== 'object') return [[path, String(value)]];
  const entries = Array.isArray(value)
    ? value.map((v, i) => [`${path}[${i}]`, v] as const)
    : Object.entries(value).map(([k, v]) => [path ? `${path}.${k}` : k, v] as const);
  return entries.flatMap(([name, v]) => flat(v, name));
}

/** The steps that were made between two messages; each leads to the program's own picture. */
function stepsRow(steps: StepRecord[], depth: number, art: string, width: number): string {
  const took = steps.reduce((sum, s) => sum + s.ns, 0);
  const makers = [...new Set(steps.map((s) => laneOfActor(s.actor)))].join(' and ');
  const chapters = [...new Set(steps.map((s) => s.chapter))].join(', ');
  const list = steps
    .map(
      (s) =>
        `<a class="srow step${s.minor ? ' small' : ''}" href="#step-${Number(s.step)}"><span class="n">${Number(s.step)}</span><span class="${escapeHtml(s.actor)}" style="width:${width}px">${escapeHtml(s.actor)}</span><span class="what" ${indent(depth)}><code>${paintHtml(cut(s.call))}</code> ${resultOf(s)}</span><span class="time">${showTime(s.ns)}</span></a>`,
    )
    .join('');
  const count = steps.length === 1 ? '1 step' : `${steps.length} steps`;
  return `<details class="made"><summary class="srow"><span class="n"></span>${art}<span class="what" ${indent(depth)}><b>${count}</b> by ${makers}: ${escapeHtml(chapters)}</span><span class="time">${showTime(took)}</span></summary>${list}</details>`;
}

const cut = (call: string): string => {
  const text = shortIds(call);
  return text.length > 110 ? `${text.slice(0, 110)}…` : text;
};

/** What came of a step, as it ran. */
export function resultOf(step: StepRecord): string {
  if (step.errno) return `<span class="${step.ignored ? 'soft' : 'bad'}">= -1 ${escapeHtml(step.errno)}</span>`;
  return `<span class="fine">= ${Number(step.result)}</span>`;
}
