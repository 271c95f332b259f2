/** Values as Go sees them: what is true, and how they are printed. */

/** Go's truth: false, 0, nothing, and what is empty are false. */
export function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** As fmt's %v: `[a b]`, `map[a:1]`, `<no value>` for what is not there. */
export function printed(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(printed).join(' ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, inner]) => `${key}:${printed(inner)}`).join(' ')}]`;
  }
  if (typeof value === 'number' && Math.abs(value) >= 1e21) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return String(value);
}

const quoted = (text: string): string => JSON.stringify(text);

function one(verb: string, flags: string, precision: number | undefined, value: unknown): string {
  switch (verb) {
    case 'v':
      return flags.includes('#') && typeof value === 'string' ? quoted(value) : printed(value);
    case 's':
      return precision === undefined ? printed(value) : [...printed(value)].slice(0, precision).join('');
    case 'q':
      return Array.isArray(value) ? `[${value.map((inner) => quoted(printed(inner))).join(' ')}]` : quoted(printed(value));
    case 't':
      return String(value);
    case 'd':
      return (flags.includes('+') && Number(value) >= 0 ? '+' : '') + Math.trunc(Number(value));
    case 'f':
    case 'F':
      return (flags.includes('+') && Number(value) >= 0 ? '+' : '') + Number(value).toFixed(precision ?? 6);
    case 'e':
    case 'E':
    case 'g':
    case 'G':
      return verb.toLowerCase() === 'g' ? String(Number(value)) : Number(value).toExponential(precision ?? 6);
    case 'x':
    case 'X': {
      const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(printed(value)).toString('hex');
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    case 'o':
      return Number(value).toString(8);
    case 'b':
      return Number(value).toString(2);
    case 'c':
      return String.fromCodePoint(Number(value));
    case 'T':
      return typeof value;
    default:
      return `%!${verb}(${printed(value)})`;
  }
}

/** fmt.Sprintf, with its verbs, widths and flags `- + # 0`. */
export function formatted(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string | undefined, digits: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const wide = width === '*' ? Number(values[next++]) : Number(width ?? 0);
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const shown = one(verb, flags, digits === undefined ? undefined : Number(digits), values[next++]);
      if (flags.includes('-')) return shown.padEnd(wide);
      return flags.includes('0') && /^[+-]?\d/.test(shown) ? zeroPadded(shown, wide) : shown.padStart(wide);
    },
  );
  if (next >= values.length) return text;
  return `${text}%!(EXTRA ${values
    .slice(next)
    .map((value) => `${typeof value}=${printed(value)}`)
    .join(', ')})`;
}

const zeroPadded = (number: string, width: number): string => {
  const sign = /^[+-]/.exec(number)?.[0] ?? '';
  return sign + number.slice(sign.length).padStart(width - sign.length, '0');
};
