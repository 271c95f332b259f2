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

/** The long ids of containers and images, as Docker shortens them: twelve digits. */
export const shortIds = (text: string): string => text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');

/**
 * A string in C's quotes; what a terminal would obey instead of show is escaped.
 * @param width characters to show at most: of a longer path the middle is left out, of other text the end
 */
export function quote(text: string, width?: number): string {
  let kept = text;
  let after = '';
  if (width !== undefined && text.length > width) {
    kept = shortIds(text);
    const characters = [...kept];
    if (characters.length > width && kept.startsWith('/')) {
      const half = Math.max(1, Math.floor((width - 1) / 2));
      kept = `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
    } else if (characters.length > width) {
      kept = characters.slice(0, Math.max(1, width)).join('');
      after = '…';
    }
  }
  const escaped = kept
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('\r', '\\r');
  return `"${harmless(escaped)}"${after}`;
}
