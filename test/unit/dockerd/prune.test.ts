import { expect, test } from 'vitest';
import { prunable } from '../../../src/dockerd/container/prune.ts';
import type { ContainerRecord } from '../../../src/dockerd/container/record.ts';
import { kindsOf } from '../../../src/dockerd/system/disk-usage.ts';

const record = (Status: string, Labels: Record<string, string> = {}, Created = '2026-01-01T00:00:00Z') => ({
  record: { State: { Status }, Config: { Labels }, Created } as unknown as ContainerRecord,
});
const now = Date.parse('2026-01-01T01:00:00Z');
const goes = (container: ReturnType<typeof record>, filters: Record<string, string[]> = {}) =>
  prunable(new Map(Object.entries(filters)), now)(container);

test('those that do not run', () => {
  for (const status of ['created', 'exited', 'dead']) expect(goes(record(status)), status).toBe(true);
  for (const status of ['running', 'paused', 'restarting', 'removing']) expect(goes(record(status)), status).toBe(false);
});

test('by labels', () => {
  const labelled = record('exited', { a: '1', b: '2' });
  expect(goes(labelled, { label: ['a'] })).toBe(true);
  expect(goes(labelled, { label: ['a=1', 'b=3'] })).toBe(false);
  expect(goes(labelled, { 'label!': ['a'] })).toBe(false);
  expect(goes(labelled, { 'label!': ['a', 'c'] })).toBe(true);
});

test('by age', () => {
  expect(goes(record('exited'), { until: ['30m'] })).toBe(true);
  expect(goes(record('exited'), { until: ['2h'] })).toBe(false);
  expect(() => goes(record('exited'), { until: ['1h', '2h'] })).toThrow('more than one until filter specified');
  expect(() => goes(record('exited'), { until: ['soon'] })).toThrow(/failed to parse value as time or duration: "soon"/);
});

test('kinds of things that take room', () => {
  expect([...kindsOf(new URLSearchParams())]).toEqual(['container', 'image', 'volume', 'build-cache']);
  expect([...kindsOf(new URLSearchParams('type=image&type=volume'))]).toEqual(['image', 'volume']);
  expect(() => kindsOf(new URLSearchParams('type=odd'))).toThrow('unknown object type: odd');
});
