/** Tables of results, and what is to be said about the tests that minirun fails. */
import type { Reason } from './reasons.ts';
import type { Outcome, Suite } from './suite.ts';

export interface Result {
  suite: string;
  test: string;
  runtime: string;
  outcome: Outcome;
  output: string;
}

const OUTCOMES: Outcome[] = ['pass', 'fail', 'skip', 'none'];

/** How many results of the list have each outcome. */
export const count = (results: Result[]): Record<Outcome, number> =>
  Object.fromEntries(OUTCOMES.map((o) => [o, results.filter((r) => r.outcome === o).length])) as Record<Outcome, number>;

/** A Markdown table: a row for each suite and runtime. */
export function table(results: Result[], suites: Suite[], runtimes: string[]): string {
  const rows = suites.flatMap((suite) =>
    runtimes.flatMap((name) => {
      const own = results.filter((r) => r.suite === suite.name && r.runtime === name);
      if (!own.length) return [];
      const { pass, fail, skip, none } = count(own);
      return [[suite.title, name, String(own.length), String(pass), String(fail), String(skip), String(none)]];
    }),
  );
  const all = [['suite', 'runtime', 'tests', 'pass', 'fail', 'skipped', 'no result'], ...rows];
  const widths = (all[0] ?? []).map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  const line = (row: string[]) =>
    `| ${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((w, i) => (i < 2 ? '-'.repeat(w + 2) : `${'-'.repeat(w + 1)}:`)).join('|')}|`;
  return [line(all[0] ?? []), rule, ...rows.map(line)].join('\n');
}

export interface Judgement {
  /** Failures of minirun: what to print of each, with the others' outcome beside it. */
  lines: string[];
  unexplained: string[];
  /** Reasons for tests that pass now. */
  stale: string[];
}

/** Compares minirun's failures with the reasons that are known. Tests that were not run are left out. */
export function judge(results: Result[], reasons: Reason[]): Judgement {
  const mine = results.filter((r) => r.runtime === 'minirun');
  const key = (r: { suite: string; test: string }) => `${r.suite} ${r.test}`;
  const known = new Map(reasons.map((r) => [key(r), r]));
  const judgement: Judgement = { lines: [], unexplained: [], stale: [] };
  for (const result of mine) {
    const reason = known.get(key(result));
    const failed = result.outcome === 'fail' || result.outcome === 'none';
    if (!failed) {
      if (reason && !reason.machine && result.outcome === 'pass') judgement.stale.push(key(result));
      continue;
    }
    if (!reason) judgement.unexplained.push(key(result));
    const others = results.filter((r) => key(r) === key(result) && r.runtime !== 'minirun').map((r) => `${r.runtime}: ${r.outcome}`);
    judgement.lines.push(`- ${key(result)}${others.length ? ` (${others.join(', ')})` : ''}: ${reason?.why ?? 'unexplained'}`);
  }
  return judgement;
}
