import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../bench/life.ts';
import { gridStep, plot } from '../../bench/plot.ts';
import { coldTable, lifeTable, type Measured } from '../../bench/runtime-table.ts';
import { quantile, summarise } from '../../bench/statistics.ts';
import { aims, type Row, table } from '../../bench/table.ts';

const row = (name: string, times: number[], more: Partial<Row> = {}): Row => ({ name, note: '', time: summarise(times), ...more });

describe('bench', () => {
  it('takes quantiles between neighbours', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([7], 0.9)).toBe(7);
    expect(summarise([5, 1, 3])).toEqual({ runs: 3, min: 1, p10: 1.4, median: 3, p90: 4.6 });
    expect(() => summarise([])).toThrow();
  });

  it('writes ratios to the reference, none for a baseline', () => {
    const runc = row('runc', [40]);
    const text = table(
      [row('node -e 0', [80], { baseline: true }), runc, row('warm start, native', [4], { peak: 2048, floor: 1 << 20 })],
      runc,
    );
    expect(text).toContain('| node -e 0 | 80.0 | 80.0 | 80.0 |  |');
    expect(text).toContain('| warm start, native | 4.00 | 4.00 | 4.00 | 0.10× | 2.0 MiB | 1.0 MiB |');
  });

  it('says whether the aims are met', () => {
    const rows = (cold: number, warm: number) => [
      row('node -e 0', [80]),
      row('minirun run, native', [cold]),
      row('warm start, native', [warm]),
      row('runc', [40]),
    ];
    expect(aims(rows(140, 10)).join()).not.toContain('not met');
    expect(
      aims(rows(141, 11))
        .join()
        .match(/not met/g),
    ).toHaveLength(2);
    expect(aims([])).toEqual([]);
  });

  it('draws a bar for each row, with names escaped', () => {
    const svg = plot('a < b', 'c & d', [row('x "y"', [1, 2, 3]), row('z', [10])]);
    expect(svg.match(/<rect x=/g)).toHaveLength(2);
    expect(svg).toContain('a &#60; b');
    expect(svg).not.toMatch(/NaN|undefined|& /);
  });

  it.each([
    [7, 1],
    [10, 1],
    [11, 2],
    [73, 10],
    [140, 20],
    [470, 50],
  ])('has at most ten grid lines up to %d', (most, step) => {
    expect(gridStep(most)).toBe(step);
  });

  const sample = (wall: number) => [{ wall, cpu: wall / 2 }];
  const measured = (name: string, wall: number): Measured => ({
    runtime: { name, note: '' },
    lives: Object.fromEntries(COMMANDS.map((c) => [c, sample(wall)])) as Measured['lives'],
    sums: [3 * wall],
    together: [50 * wall],
    memory: { create: 2048, waiting: 60, floor: 320 * 1024 },
  });

  it("says what is Node's own start and what is ours", () => {
    const lines = coldTable([measured('ours', 100), measured('runc', 30)], sample(70)).split('\n');
    expect(lines.find((l) => l.startsWith("| Node's own start"))).toContain('| 70 |');
    expect(lines.find((l) => l.startsWith('| state '))).toBe('| state | 100 | +30 | +30 | +15 | 25: not met | 30 | 15 |');
    expect(lines.find((l) => l.startsWith('| create '))).toContain('| 40: met |');
    expect(new Set(lines.map((l) => l.split('|').length)).size).toBe(1);
  });

  it('tells the life of a container, a row for each runtime', () => {
    const lines = lifeTable([measured('ours', 100), measured('runc', 30)], 50).split('\n');
    expect(lines[2]).toBe('| ours | 300 ms | 300 ms | 100 ms | 100 ms | 5.00 s | 2.0 MiB | 60 KiB | 320 KiB |');
    expect(new Set(lines.map((l) => l.split('|').length)).size).toBe(1);
  });
});
