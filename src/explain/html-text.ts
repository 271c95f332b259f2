/** Text inside HTML: a config is written by a stranger, so nothing from it may become markup or script. */

/** Characters that are not seen, or turn the reading direction: shown as what they are. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** For element content and double-quoted attributes. */
export const escapeHtml = (text: string): string =>
  text
    .replace(INVISIBLE, (c) => `\\u${c.codePointAt(0)?.toString(16).padStart(4, '0')}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** JSON for a script element: no `</script>`, no `<!--`, no line separators that end a JavaScript string. */
export const scriptJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** A call in colours: callee, texts, flags, results of earlier steps. */
export function paintHtml(call: string): string {
  const callee = /^[a-z_0-9]+(?=\()/.exec(call)?.[0] ?? '';
  const tokens = /"(?:[^"\\]|\\.)*"…?|<[^<>"]+>|\b_?[A-Z][A-Z0-9_]{2,}\b/g;
  let out = callee && `<b>${escapeHtml(callee)}</b>`;
  let at = callee.length;
  for (const match of call.matchAll(tokens)) {
    if (match.index < at) continue;
    const kind = match[0].startsWith('"') ? 's' : match[0].startsWith('<') ? 'r' : 'f';
    out += `${escapeHtml(call.slice(at, match.index))}<i class="${kind}">${escapeHtml(match[0])}</i>`;
    at = match.index + match[0].length;
  }
  return out + escapeHtml(call.slice(at));
}
