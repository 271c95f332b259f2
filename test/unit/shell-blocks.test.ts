/** The reader of the documentation's commands: a matcher that accepts everything would prove nothing. */
import { describe, expect, it } from 'vitest';
import { outputMatches, shellBlocks } from '../integration/support/shell-blocks.ts';

const page = (...lines: string[]): string => lines.join('\n');

describe('blocks of a page', () => {
  it('are those fenced as sh, with commands, output, conditions and lines', () => {
    const blocks = shellBlocks(
      page(
        '# Page',
        '```text',
        '$ not run',
        '```',
        '```sh v1 approx',
        '$ one',
        'a',
        'b',
        '$ two \\',
        '  more',
        '```',
        '```',
        'no language',
        '```',
      ),
    );
    expect(blocks).toEqual([
      {
        words: ['v1', 'approx'],
        line: 5,
        commands: [
          { text: 'one', expected: ['a', 'b'], line: 6 },
          { text: 'two \\\n  more', expected: [], line: 9 },
        ],
      },
    ]);
  });

  it('that cannot be meant are refused', () => {
    expect(() => shellBlocks(page('```sh', 'output', '```'))).toThrow(/line 2: output without a command/);
    expect(() => shellBlocks(page('```sh', '$ one'))).toThrow(/no end/);
  });
});

describe('output', () => {
  it('matches line by line', () => {
    expect(outputMatches(['a', 'b'], ['a', 'b'])).toBe(true);
    expect(outputMatches(['a', 'b'], ['a', 'c'])).toBe(false);
    expect(outputMatches(['a'], ['a', 'b'])).toBe(false);
    expect(outputMatches(['a', 'b'], ['a'])).toBe(false);
    expect(outputMatches([], ['a'])).toBe(false);
    expect(outputMatches([], [])).toBe(true);
    expect(outputMatches(['a.c'], ['abc'])).toBe(false);
  });

  it('… stands for anything in a line, or for any lines', () => {
    expect(outputMatches(['a … c'], ['a long b c'])).toBe(true);
    expect(outputMatches(['a … c'], ['a b'])).toBe(false);
    expect(outputMatches(['a', '…', 'z'], ['a', 'z'])).toBe(true);
    expect(outputMatches(['a', '…', 'z'], ['a', 'b', 'z', 'c', 'z'])).toBe(true);
    expect(outputMatches(['a', '…', 'z'], ['a', 'b'])).toBe(false);
    expect(outputMatches(['…', 'b', '…'], ['a', 'c'])).toBe(false);
    expect(outputMatches(['…'], [])).toBe(true);
  });

  it('approx: other numbers, ids, times and gaps, but the same words', () => {
    const shown = [
      '   93  init     unshare(CLONE_NEWUTS) = 0      8 µs',
      '  ▸ uts:[4026531838] → uts:[4026532179]',
      'host name: vm → d0c586a26bdf',
    ];
    expect(
      outputMatches(
        shown,
        ['  102  init     unshare(CLONE_NEWUTS) = 0  1.2 ms', '  ▸ uts:[1] → uts:[2]', 'host name: vm → aaaaaaaaaaaa'],
        true,
      ),
    ).toBe(true);
    expect(
      outputMatches(
        shown,
        ['  102  init     unshare(CLONE_NEWIPC) = 0  1.2 ms', '  ▸ uts:[1] → uts:[2]', 'host name: vm → aaaaaaaaaaaa'],
        true,
      ),
    ).toBe(false);
    expect(outputMatches(['= 0  8 µs'], ['= x  8 µs'], true)).toBe(false);
  });
});
