import { expect, test } from 'vitest';
import { blkioToIoWeight, cpuMax, decimal, orMax, pidsMax, sharesToWeight, swapOnly } from '../../src/runc/compile/cgroup-values.ts';

test.each([
  [0, 1],
  [2, 1],
  [3, 2],
  [256, 35],
  [512, 59],
  [1024, 100],
  [2048, 174],
  [262144, 10000],
  [9e9, 10000],
])('cpu shares %d are weight %d', (shares, weight) => {
  expect(sharesToWeight(shares)).toBe(weight);
});

test('more shares never mean less weight', () => {
  let last = 0;
  for (let shares = 2; shares <= 262144; shares += 97) {
    const weight = sharesToWeight(shares);
    expect(weight).toBeGreaterThanOrEqual(last);
    last = weight;
  }
});

test.each([
  [100, 300, '200'],
  [100, 100, '0'],
  [100, -1, 'max'],
  [100, undefined, undefined],
  [100, 0, undefined],
  [-1, undefined, 'max'],
  [-1, 500, '500'],
  [undefined, undefined, undefined],
])('memory limit %s and memory+swap %s: swap %s', (limit, swap, text) => {
  expect(swapOnly(limit, swap)).toBe(text);
});

test('cpu.max has quota and period', () => {
  expect(cpuMax(50000, 100000)).toBe('50000 100000');
  expect(cpuMax(50000, undefined)).toBe('50000 100000');
  expect(cpuMax(-1, 20000)).toBe('max 20000');
  expect(cpuMax(undefined, undefined)).toBeUndefined();
});

test('other values', () => {
  expect([10, 505, 1000].map(blkioToIoWeight)).toEqual([1, 5000, 10000]);
  expect([-1, 0, 7].map(pidsMax)).toEqual(['max', 'max', '7']);
  expect(orMax(-1)).toBe('max');
  expect(decimal(1e21)).toBe('1000000000000000000000');
});
