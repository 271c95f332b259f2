/** Results as a Markdown table. */
import type { Summary } from './statistics.ts';

export interface Row {
  name: string;
  note: string;
  time: Summary;
  baseline?: boolean;
  /** KiB */
  peak?: number;
  /** Bytes */
  floor?: number;
}

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const mib = (bytes: number | undefined): string => (bytes === undefined ? '' : `${(bytes / 1024 / 1024).toFixed(1)} MiB`);

/** @param reference the row whose median the ratios are to; none where it is not installed */
export function table(rows: Row[], reference: Row | undefined): string {
  const ratio = (row: Row) => (reference && !row.baseline ? `${(row.time.median / reference.time.median).toFixed(2)}×` : '');
  const lines = rows.map((row) => {
    const peak = row.peak === undefined ? '' : mib(row.peak * 1024);
    const times = [row.time.median, row.time.p10, row.time.min].map(ms);
    return `| ${[row.name, ...times, ratio(row), peak, mib(row.floor), row.note].join(' | ')} |`;
  });
  return [
    `| | median ms | p10 | min | to ${reference?.name ?? 'runc'} | peak memory | smallest limit | |`,
    '|---|--:|--:|--:|--:|--:|--:|---|',
    ...lines,
  ].join('\n');
}

/** The two aims of the project, and whether they were met. */
export function aims(rows: Row[]): string[] {
  const median = (name: string) => rows.find((r) => r.name === name)?.time.median;
  const [node, cold, warm, runc] = ['node -e 0', 'minirun run, native', 'warm start, native', 'runc'].map(median);
  const lines: string[] = [];
  if (cold !== undefined && node !== undefined) {
    const over = cold - node;
    lines.push(`- Cold \`minirun run\` over Node's own start: ${ms(over)} ms (aim: at most 60 ms; ${over <= 60 ? 'met' : 'not met'}).`);
  }
  if (warm !== undefined && runc !== undefined) {
    const part = warm / runc;
    lines.push(`- Warm start to \`runc run\`: ${part.toFixed(2)} (aim: at most 0.25; ${part <= 0.25 ? 'met' : 'not met'}).`);
  }
  return lines;
}
