/** Strings from a configuration or an image, made fit for a terminal: names may come from a stranger. */

/** Characters that would move a terminal's cursor, colour it, or turn the reading direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Escapes what a terminal would obey instead of show. */
export const harmless = (text: string): string =>
  text.replace(UNSAFE, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });

/** A string in C's quotes; what a terminal would obey instead of show is escaped. */
export function quote(text: string, width?: number): string {
  const characters = [...text];
  const cut = width !== undefined && characters.length > width;
  const kept = cut ? characters.slice(0, Math.max(1, width)).join('') : text;
  const escaped = kept
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r');
  return `"${harmless(escaped)}"${cut ? '…' : ''}`;
}
