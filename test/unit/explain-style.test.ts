import { expect, it } from 'vitest';
import { layoutCall, paintCall } from '../../src/explain/call-layout.ts';
import { displayWidth, palette, textWidth, wantsColour, wrap } from '../../src/explain/style.ts';

it('obeys NO_COLOR before FORCE_COLOR before the terminal', () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: false }, {})).toBe(false);
  expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(wantsColour({ isTTY: false }, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColour({ isTTY: true }, { FORCE_COLOR: '0' })).toBe(false);
  expect(wantsColour({ isTTY: true }, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
});

it("uses the terminal's width up to a comfortable one", () => {
  expect(textWidth({ isTTY: true, columns: 72 })).toBe(72);
  expect(textWidth({ isTTY: true, columns: 300 })).toBe(110);
  expect(textWidth({ isTTY: false, columns: 300 })).toBe(100);
});

it('measures columns, not characters', () => {
  expect(displayWidth('abc')).toBe(3);
  expect(displayWidth('世界')).toBe(4);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(displayWidth(palette(true).red('abc'))).toBe(3);
  expect(displayWidth('🐳')).toBe(2);
});

it('breaks between words, and inside a word only when it is longer than a line', () => {
  expect(wrap('one two three four', 10)).toEqual(['one two', 'three four']);
  expect(wrap('世界世界世界世界', 10)).toEqual(['世界世界世', '界世界']);
  expect(wrap('a\n\nb', 10)).toEqual(['a', '', 'b']);
});

it('breaks a call between arguments, then between flags, never inside a string', () => {
  const call = 'mount("a, (b|c", "/some/where", "tmpfs", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)';
  expect(layoutCall(call, 100)).toEqual([call]);
  expect(layoutCall(call, 45)).toEqual(['mount("a, (b|c", "/some/where", "tmpfs",', '    MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)']);
  expect(layoutCall(call, 24)).toEqual([
    'mount("a, (b|c",',
    '    "/some/where",',
    '    "tmpfs", MS_NOSUID|',
    '    MS_NODEV|MS_NOEXEC,',
    '    NULL)',
  ]);
});

it('adds colour and nothing else', () => {
  const line = 'mount("x \\"MS_RDONLY\\"", <dev.3>, MS_RDONLY /* 1 */)';
  const painted = paintCall(line, palette(true));
  expect(painted).not.toBe(line);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
  expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(line);
  expect(paintCall(line, palette(false))).toBe(line);
});
