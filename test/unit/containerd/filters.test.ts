import { describe, expect, test } from 'vitest';
import { type FieldOf, inMap, parseFilters } from '../../../src/containerd/filters.ts';

const labels: Record<string, string> = { foo: 'bar', 'io.x/y.z': 'a,b', empty: '' };
const field: FieldOf = ([first, ...rest]) =>
  first === 'name' ? 'docker.io/library/busybox' : first === 'labels' ? inMap(labels, rest) : undefined;
const matches = (...filters: string[]) => parseFilters(filters)(field);

describe('filters', () => {
  test.each([
    ['', true],
    ['name', true],
    ['other', false],
    ['name==docker.io/library/busybox', true],
    ['name==busybox', false],
    ['name!=busybox', true],
    // What is not there is not equal to anything.
    ['other!=x', true],
    ['name~=^docker', true],
    ['name~=busybox$', true],
    ['name~=/library\\/b/', true],
    ['name~=|o/l|', true],
    ['other~=.*', false],
    ['labels.foo==bar', true],
    ['labels.foo', true],
    ['labels.empty', true],
    ['labels."io.x/y.z"=="a,b"', true],
    ['labels."io.x/y.z"==a', false],
    ['name,labels.foo==bar', true],
    ['name,labels.foo==no', false],
    ['labels.constructor', false],
  ])('%s', (filter, wanted) => {
    expect(matches(filter)).toBe(wanted);
  });
  test('without any, all match; of several, one has to', () => {
    expect(matches()).toBe(true);
    expect(matches('name==a', 'labels.foo==bar')).toBe(true);
    expect(matches('name==a', 'name==b')).toBe(false);
  });
  test.each([
    ['name==', '[name==]: expected value or quoted'],
    ['==x', '[ >|=|< =x]: expected field or quoted'],
    ['name=x', '[name >|=|< x]: unexpected input'],
    ['name=="x', 'quoted literal not terminated'],
    ['name~=(', 'not a regular expression'],
    ['name,', '[name,]: expected field'],
  ])('%s cannot be understood', (filter, text) => {
    expect(() => parseFilters([filter])).toThrow(text);
  });
});
