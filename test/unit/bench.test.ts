import { describe, expect, it } from 'vitest';
import { gridStep, plot } from '../../bench/plot.ts';
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
});
