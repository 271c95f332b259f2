/** A program as a page with a picture: for a lesson, or to keep with a bug report. */
import { CHAPTERS, type Program, type Step } from '../runc/program/step.ts';
import type { Config } from '../runc/spec/config.ts';
import { argumentRows, type Meaning } from './arguments.ts';
import { mountChanges, NAMESPACES, namespaceChanges } from './container-state.ts';
import { showStep } from './decode.ts';
import { drawLanes, drawThreads, LANES_WIDTH, layOut, type Row, THREADS_WIDTH } from './html-layout.ts';
import { page } from './html-page.ts';
import { resultOf } from './html-story.ts';
import { HUES } from './html-style.ts';
import { escapeHtml, paintHtml } from './html-text.ts';
import type { StepRecord } from './json.ts';
import { type JsonLines, jsonLines, linesOf } from './json-lines.ts';
import { showTime } from './narrate.ts';
import { follow, newPlaces } from './places.ts';

const CHAPTER_HUES = [265, 35, 150, 210, 95, 320, 5, 185];

/** `mount(2)` as a link to the page that `man 2 mount` shows. Nothing is loaded until it is clicked. */
function manual(man: string): string {
  const [, name, section] = /^([\w.-]+)\((\d\w*)\)$/.exec(man) ?? [];
  if (!name || !section) return escapeHtml(man);
  const url = `https://man7.org/linux/man-pages/man${section.charAt(0)}/${name}.${section}.html`;
  return `<a href="${escapeHtml(url)}" rel="noreferrer noopener">${escapeHtml(man)}</a> <code>man ${escapeHtml(section)} ${escapeHtml(name)}</code>`;
}

/** One step in full: what the panel shows, and the list under the picture. */
function stepBody(program: Program, index: number, json: JsonLines, meaning: Meaning, ran: StepRecord | undefined): string {
  const step = program.steps[index] as Step;
  const lines = linesOf(json, step.from);
  const rows = argumentRows(step.call, meaning).map(
    (row) => `<tr><td>${escapeHtml(row.name)}</td><td class="raw">${escapeHtml(row.raw)}</td><td>${paintHtml(row.decoded)}</td></tr>`,
  );
  const facts = [
    ...(ran ? [asItRan(ran)] : []),
    `Manual: ${manual(step.man)}`,
    ...(step.saves ? [`The result is kept as <code><i class="r">&lt;${escapeHtml(step.saves)}&gt;</i></code> for later steps.`] : []),
    ...(step.ignore?.length
      ? [`Goes on after ${step.ignore.map((e) => `<code>${escapeHtml(e)}</code>`).join(', ')}; any other error ends the start.`]
      : []),
    ...(step.expect ?? []).map((e) => `Checked afterwards. If it does not hold: “${escapeHtml(e.otherwise)}”`),
    ...(step.becomes === 'nobody' ? ['The new process makes no steps: it ends at once.'] : []),
    ...(step.becomes && step.becomes !== 'nobody' ? [`The new process becomes <span class="${step.becomes}">${step.becomes}</span>.`] : []),
    ...(lines
      ? [`<span class="asked">Asked for by <a href="#config-${lines[0] + 1}"><code>${escapeHtml(step.from)}</code></a>.</span>`]
      : []),
  ];
  return [
    `<h3>Step ${index + 1} of ${program.steps.length} · <span class="${step.actor}">${step.actor}</span> · ${escapeHtml(step.chapter)}</h3>`,
    `<p class="call">${paintHtml(showStep(program, index))}</p>`,
    `<p class="why">${escapeHtml(step.why)}</p>`,
    rows.length
      ? `<table><thead><tr><th>argument</th><th>value</th><th>meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
      : '',
    `<ul class="facts">${facts.map((f) => `<li>${f}</li>`).join('')}</ul>`,
  ].join('');
}

/** What came of a step when it ran. */
function asItRan(step: StepRecord): string {
  const changed = step.changed.map((c) => `<br>▸ ${escapeHtml(c.text)}`).join('');
  return `When it ran: <code>${resultOf(step)}</code>${step.ns > 0 ? `, ${showTime(step.ns)}` : ''}${changed}`;
}

/** All steps in full. Descriptors are followed on the way, so that each says which place it holds. */
function stepBodies(program: Program, json: JsonLines, ran: ReadonlyMap<number, StepRecord>): string[] {
  const places = newPlaces();
  return program.steps.map((step, index) => {
    const html = stepBody(
      program,
      index,
      json,
      (of) => {
        const place = places.held.get(of);
        return place && (place.inside ? `${place.path} in the rootfs` : place.path);
      },
      ran.get(index + 1),
    );
    follow(places, step);
    return html;
  });
}

/** A long path keeps its end: that is where two of them differ. */
const shortLabel = (label: string): string => {
  const letters = [...label];
  return letters.length <= 19 ? label : `${letters.slice(0, 2).join('')}…${letters.slice(-15).join('')}`;
};

/** One picture: of all steps, or of the large ones. */
function picture(program: Program, chips: Map<number, { kind: string; label: string }>, view: 'brief' | 'full'): string {
  const layout = layOut(program, view === 'full');
  const row = (r: Row): string => {
    const step = program.steps[r.index] as Step;
    const chip = chips.get(r.index);
    return (
      `<a class="row${step.minor ? ' small' : ''}" href="#step-${r.index + 1}" data-step="${r.index}" style="height:${r.height}px">` +
      `<span class="n">${r.index + 1}</span><span></span><span class="call">${paintHtml(showStep(program, r.index, { width: 40 }))}</span><span></span>` +
      (chip
        ? `<span class="chip ${chip.kind}" title="${escapeHtml(chip.label)}">${escapeHtml(shortLabel(chip.label))}</span></a>`
        : '<span></span></a>')
    );
  };
  const bands = layout.bands.map(
    (b) =>
      `<div class="band" style="--hue:${CHAPTER_HUES[CHAPTERS.indexOf(b.chapter)] ?? 0};height:${b.height}px"><h2>${escapeHtml(b.chapter)}</h2>${b.rows.map(row).join('')}</div>`,
  );
  const head = (kind: string, size: number) =>
    `<marker id="head-${kind}-${view}" class="head-${kind}" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="${size}" markerHeight="${size}" orient="auto"><path d="M0 0L8 4L0 8Z"/></marker>`;
  return (
    `<div class="rows" id="${view}" style="height:${layout.height}px">${bands.join('')}` +
    `<svg class="lane-art" aria-hidden="true" width="${LANES_WIDTH}" height="${layout.height}"><defs>${head('sync', 6)}${head('clone', 4)}</defs>${drawLanes(program, layout, view)}</svg>` +
    `<svg class="thread-art" aria-hidden="true" width="${THREADS_WIDTH}" height="${layout.height}">${drawThreads(layout, namespaceChanges(program))}</svg></div>`
  );
}

/** What the script needs to show the container as it is after each step. */
function pageData(program: Program, json: JsonLines) {
  const { before, changes } = mountChanges(program);
  const mounts: Record<number, unknown> = {};
  const tables = [{ step: -1, table: before }, ...changes].map(({ step, table }, i, all) => {
    for (const { id, target, inside, type, source, options } of table) mounts[id] = { target, inside, type, source, options };
    return { step, ids: table.map((m) => m.id), before: (all[i - 1]?.table ?? []).map((m) => m.id) };
  });
  const steps = program.steps.map((s, i) => ({
    minor: s.minor === true,
    lines: linesOf(json, s.from) ?? null,
    text: `${i + 1} ${s.actor} ${s.chapter} ${showStep(program, i)} ${s.why} ${s.man} ${s.from}`.toLowerCase(),
  }));
  return { steps, namespaces: NAMESPACES, hues: HUES, changes: namespaceChanges(program), tables, mounts };
}

function intro(program: Program): string {
  const counts = (['runtime', 'starter', 'init'] as const)
    .map((a) => [a, program.steps.filter((s) => s.actor === a).length] as const)
    .filter(([, n]) => n);
  const made = counts.map(([a, n]) => `<span class="${a}">${a}</span> makes ${n}`).join(', ');
  return (
    `<p>${program.steps.length} steps start this container: ${made}. Time runs downwards; a thin arrow is a word from one process to another that waits for it, the thick one is a birth. ` +
    `A grey thread is a namespace shared with the host; it turns coloured where the container gets its own (a dotted one is joined).</p>` +
    program.warnings.map((w) => `<p class="warning">Warning: ${escapeHtml(w)}</p>`).join('')
  );
}

/**
 * Writes a program as one self-contained HTML page: picture, steps with their reasons, the state of
 * the container after each, and the lines of the config that ask for it. Works without a network;
 * without JavaScript as picture and list.
 * @param story of a real run: the messages as HTML, and what came of each step (by its number from 1)
 */
export function renderHtml(program: Program, config: Config, story?: { section: string; ran: ReadonlyMap<number, StepRecord> }): string {
  const json = jsonLines(config);
  const command = config.process?.args?.join(' ') ?? 'a command';
  const chips = new Map(mountChanges(program).changes.map((c) => [c.step, c]));
  return page({
    title: `How a container starts: ${command}`,
    heading: `How a container starts: <code>${escapeHtml(command)}</code>`,
    intro: intro(program),
    ...(story ? { story: story.section } : {}),
    picture: picture(program, chips, 'brief') + picture(program, chips, 'full'),
    steps: `<ol>${stepBodies(program, json, story?.ran ?? new Map())
      .map((body, i) => `<li class="step body" id="step-${i + 1}">${body}</li>`)
      .join('')}</ol>`,
    config: json.lines.map((line) => `<span>${escapeHtml(line)}</span>`).join(''),
    data: pageData(program, json),
  });
}
