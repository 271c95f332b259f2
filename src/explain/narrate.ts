/** `--explain`: each step as it happens, with its result, how long it took and what it changed. */
import { readFileSync } from 'node:fs';
import { errnoMeaning, errnoName } from '../libc/errno.ts';
import { startTime } from '../libc/process.ts';
import type { HookCall, HookEnd, Observer, Outcome, Where } from '../runc/engine/observer.ts';
import { int } from '../runc/program/args.ts';
import { runHook } from '../runc/program/calls.ts';
import type { Arg, Ref, Step } from '../runc/program/step.ts';
import { TOKENS } from '../runc/program/tokens.ts';
import { type Change, showChange } from './changes.ts';
import { showCall, showStep } from './decode.ts';
import { harmless, shortIds } from './quote.ts';
import { attempt } from './snapshot.ts';
import { callLines, chapterHeading, type Page, type Painted, page, prose } from './step-block.ts';
import { displayWidth, type Palette, palette } from './style.ts';
import { explanation, isTold, legend, newTold, STRING_WIDTH, warningLines } from './text.ts';
import { type Watch, watchChanges } from './watch.ts';

export interface NarratorOptions {
  /** Where the narration goes: never the container's own output. */
  write: (text: string) => void;
  colour?: boolean;
  /** Columns; 100 unless told. */
  width?: number;
  /** Show flags as numbers too. */
  numbers?: boolean;
  /** The first line, for a program of so many steps. */
  opening?: (steps: number) => string;
}

export interface Narrator extends Observer {
  begin(where: Where): void;
  end(where: Where, outcome: Outcome): void;
  /** Shows a step before it runs (for --step); `end` then adds only what came of it. */
  announce(where: Where): void;
  /** A hook that is no step has run. */
  hook(hook: HookCall, ended: HookEnd): void;
  /** Nothing more comes: tells of a step that has begun and not ended. */
  stop(): void;
}

/** An observer that tells the story of a start, step by step. */
export function narrator(options: NarratorOptions): Narrator {
  const style = palette(options.colour ?? false);
  const watch = watchChanges();
  const told = newTold();
  const announced = new Set<number>();
  const ended = new Set<number>();
  const toldEarly = new Set<number>();
  let lastSaid: number | undefined;
  let chapter: string | undefined;
  let layout: Page | undefined;
  /** The step that has begun and not ended. */
  let under: Where | undefined;

  const say = (lines: string[]) => lines.length && options.write(`${lines.join('\n')}\n`);

  /** `start` goes on where `create` ended: at the gate. */
  const goOn = ({ program, pid }: Where, gate: number, p: Page) => {
    const step = program.steps[gate] as Step;
    const since = pid === undefined ? undefined : age(pid);
    say([
      ...(chapter === undefined ? [] : ['']),
      style.bold(
        `Init${pid === undefined ? '' : `, process ${pid},`} has waited${since === undefined ? '' : ` for ${showTime(since)}`} at step ${gate + 1} of ${program.steps.length}. Now \`start\` is heard, and its program goes on.`,
      ),
      ...above(p, step),
      ...callLines(p, gate, step, showStep(program, gate, { width: STRING_WIDTH }), NOTHING),
      ...explanation(p, step, told),
    ]);
  };

  /** The page, and on the first step what stands above it. */
  const begin = (where: Where): Page => {
    const { program } = where;
    if (layout) return layout;
    layout = page(program, style, options.width ?? 100);
    const gate = program.gated ? program.steps.findIndex((s) => s.call.name === 'accept4') : -1;
    if (gate >= 0 && where.index > gate) {
      goOn(where, gate, layout);
      return layout;
    }
    const actors = (['runtime', 'starter', 'init'] as const).filter((actor) => program.steps.some((s) => s.actor === actor));
    const count = program.steps.length;
    say([
      // A program without a command changes one that runs: its limits, for instance.
      style.bold(
        actors.includes('init') && options.opening
          ? options.opening(count)
          : `${actors.includes('init') ? 'Starting a container' : 'Changing a container'} in ${count} ${count === 1 ? 'step' : 'steps'}.`,
      ),
      '',
      ...legend(layout, actors),
      ...warningLines(program, layout),
    ]);
    return layout;
  };

  /** A heading where a chapter begins, an empty line between full steps. */
  const above = (p: Page, step: Step): string[] => {
    if (step.chapter !== chapter) {
      chapter = step.chapter;
      return ['', chapterHeading(step.chapter, p), ''];
    }
    return isTold(step, told) ? [] : [''];
  };

  const shown = (where: Where) =>
    showStep(where.program, where.index, { numbers: options.numbers ?? false, width: STRING_WIDTH, value: watch.value });

  /** The other actor's signal is reported only after what it set going: it is told before the wait that it ended. */
  const tellSignal = (where: Where, token: string) => {
    const { program } = where;
    const index = program.steps.findIndex((s) => s.sync?.kind === 'signal' && s.sync.token === token);
    const step = program.steps[index];
    if (!step || ended.has(index)) return;
    toldEarly.add(index);
    if (announced.has(index)) return;
    lastSaid = index;
    const p = begin(where);
    say([...above(p, step), ...callLines(p, index, step, shown({ ...where, index, step }), NOTHING), ...explanation(p, step, told)]);
  };

  /** `create` ends here; what the container does when `start` comes is told before it happens, for nobody will watch. */
  const tellRest = (where: Where, p: Page) => {
    say(['', style.bold('Nobody watches from here on. When `start` comes, the container goes on with these steps:')]);
    where.program.steps.forEach((step, index) => {
      if (index <= where.index || ended.has(index)) return;
      say([...above(p, step), ...callLines(p, index, step, shown({ ...where, index, step }), NOTHING), ...explanation(p, step, told)]);
    });
  };

  return {
    begin(where) {
      begin(where);
      under = where;
      watch.begin(where);
    },
    announce(where) {
      const p = begin(where);
      const { step, index } = where;
      announced.add(index);
      lastSaid = index;
      // What is about to happen is told in full, small print as well: the reader has stopped to read it.
      say([
        ...above(p, step),
        ...callLines(p, index, { ...step, minor: false }, shown(where), NOTHING),
        ...explanation(p, { ...step, minor: false }, newTold()),
      ]);
      told.whys.add(step.why);
    },
    end(where, outcome) {
      const p = begin(where);
      under = undefined;
      const { step, index } = where;
      const call = shown(where);
      const changes = watch.end(where, outcome);
      if (toldEarly.delete(index)) return;
      if (step.sync?.kind === 'wait') tellSignal(where, step.sync.token);
      ended.add(index);
      const result = showOutcome(where, outcome, style, watch.value);
      const changed = changeLines(p, step, changes);
      // Just announced, and nothing was said since: only what came of it is new.
      if (announced.has(index) && lastSaid === index) {
        const [indent = ''] = prose(p, '');
        say([...(step.sync ? [] : [withTime(p, indent + result.painted, outcome.ns)]), ...changed]);
        return;
      }
      lastSaid = index;
      const lines = callLines(p, index, step, call, result, { reserve: TIME_WIDTH });
      lines.push(withTime(p, lines.pop() ?? '', outcome.ns));
      say([...above(p, step), ...lines, ...changed, ...(announced.has(index) ? [] : explanation(p, step, told))]);
      if (where.program.gated && step.sync?.kind === 'wait' && step.sync.token === TOKENS.created) tellRest(where, p);
    },
    hook(hook, { ns, failure }) {
      const p = layout ?? { style, width: options.width ?? 100, digits: 3 };
      const step = stepOf(hook);
      const result = failure === undefined ? HOOK_DONE : `= failed: ${harmless(failure)}`;
      const shownCall = showCall(step.call, { width: STRING_WIDTH });
      const painted = { plain: result, painted: failure === undefined ? style.green(result) : style.red(result) };
      const lines = callLines(p, 0, step, shownCall, painted, { reserve: TIME_WIDTH, number: '' });
      lines.push(withTime(p, lines.pop() ?? '', ns));
      say([...above(p, step), ...lines, ...explanation(p, step, told)]);
    },
    stop() {
      if (!under) return;
      const p = begin(under);
      const { step, index } = under;
      const failed = { plain: '= failed', painted: style.red('= failed') };
      say([...above(p, step), ...callLines(p, index, step, shown(under), failed), ...explanation(p, step, told)]);
      under = undefined;
    },
  };
}

const HOOK_DONE = '= exit status 0';

const HOOK_WHY: Record<string, string> = {
  startContainer: 'Runs inside the container, among its files, just before its command: the place for ldconfig and the like.',
  poststart: "Runs in the runtime's namespaces after the command has begun: to tell somebody that the container runs.",
  poststop: "Runs in the runtime's namespaces after the container is gone: to undo what a hook did when it was made.",
};

/** A hook that is run by itself, in the form of a step. */
const stepOf = (hook: HookCall): Step => {
  const run = runHook(hook.path, hook.args, hook.env ?? null, hook.timeout, [hook.state], null, hook.cwd ?? null);
  const args = hook.inside === undefined ? run.args : run.args.with(5, int(hook.inside));
  return {
    actor: 'runtime',
    chapter: 'hooks',
    call: { ...run, args },
    why: HOOK_WHY[hook.from.split('/')[2] ?? ''] ?? 'A hook of the configuration.',
    man: 'execve(2)',
    from: hook.from,
  };
};

/** Nanoseconds since a process began: proc_pid_stat(5) has it in ticks of a hundredth of a second since boot. */
function age(pid: number): number | undefined {
  const began = startTime(pid);
  const up = attempt(() => Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]));
  return began === undefined || up === undefined ? undefined : Math.max(0, up - began / 100) * 1e9;
}

const NOTHING: Painted = { plain: '', painted: '' };
/** Columns at the right edge for ` 999 µs`. */
const TIME_WIDTH = 9;

/** `= 7`, `= -1 EEXIST (file exists), and that is fine`, or nothing for a sync step, which has no result of its own. */
function showOutcome({ program, step, index }: Where, outcome: Outcome, style: Palette, value: Watch['value']): Painted {
  if (outcome.result >= 0) {
    if (step.sync) return NOTHING;
    // execve returns only when it fails: the process is another program now.
    const result = step.call.name === 'execve' ? 'done' : step.call.name === 'run_hook' ? HOOK_DONE.slice(2) : String(outcome.result);
    return { plain: `= ${result}`, painted: `${style.dim('=')} ${style.green(result)}` };
  }
  const name = errnoName(-outcome.result);
  const missing = step.call.args.flatMap(refs).find((ref) => (value(ref) ?? 0) < 0);
  const origin = missing && program.steps.findLastIndex((s, i) => i < index && s.saves === missing.of) + 1;
  const fine = origin ? `, skipped because step ${origin} found nothing` : ', and that is fine';
  const plain = `= -1 ${name} (${errnoMeaning(name)})${outcome.ignored ? fine : ''}`;
  return { plain, painted: outcome.ignored ? style.yellow(plain) : style.red(style.bold(plain)) };
}

const refs = (arg: Arg): Ref[] => {
  if (arg.kind === 'result') return [arg];
  return arg.kind === 'text' ? arg.parts.filter((part) => typeof part !== 'string') : [];
};

/** `24 µs`, `1.8 ms`, `2.1 s`; nothing where it was not measured. */
export function showTime(ns: number): string {
  if (ns <= 0) return '';
  if (ns < 999_500) return `${Math.max(1, Math.round(ns / 1000))} µs`;
  return ns < 999_500_000 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toPrecision(3)} s`;
}

/** The time at the right edge, where there is room for it. */
function withTime(p: Page, line: string, ns: number): string {
  const time = showTime(ns);
  const room = p.width - displayWidth(line) - displayWidth(time);
  if (!time) return line;
  return room >= 2 ? `${line}${' '.repeat(room)}${p.style.dim(time)}` : `${line}  ${p.style.dim(time)}`;
}

/** What changed, a line each. What a minor step's call says already is left to `--explain=json`. */
const changeLines = (p: Page, step: Step, changes: Change[]): string[] =>
  changes
    .filter(({ subject }) => !(step.minor && (subject.startsWith('descriptor') || subject.startsWith('bounding'))))
    .flatMap((change) => prose(p, `▸ ${shortIds(showChange(change))}`, p.style.cyan));
