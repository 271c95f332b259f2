/** A JSON value, pretty-printed, and which lines a JSON pointer means. */

/** Control and direction-changing characters, written as JSON escapes so that they are seen, not obeyed. */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const scalar = (value: unknown): string =>
  JSON.stringify(value).replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

export interface JsonLines {
  lines: string[];
  /** Pointer (`/mounts/3/options`, RFC 6901; '' is the whole) → first and last line, counted from 0. */
  ranges: Map<string, [first: number, last: number]>;
}

/** As JSON.stringify(value, null, 2) prints it, but short lists stay on one line. */
export function jsonLines(value: unknown): JsonLines {
  const lines: string[] = [];
  const ranges: JsonLines['ranges'] = new Map();
  const write = (v: unknown, pointer: string, indent: string, head: string, tail: string): void => {
    const first = lines.length;
    const isObject = v !== null && typeof v === 'object';
    const entries: [key: string, value: unknown][] = isObject ? Object.entries(v).filter(([, x]) => x !== undefined) : [];
    const list = Array.isArray(v);
    const inline =
      list && entries.every(([, x]) => x === null || typeof x !== 'object')
        ? `[${entries.map(([, x]) => scalar(x)).join(', ')}]`
        : undefined;
    if (!isObject) lines.push(`${indent}${head}${scalar(v)}${tail}`);
    else if (inline !== undefined && (indent + head + inline).length <= 76) {
      lines.push(`${indent}${head}${inline}${tail}`);
      for (const [key] of entries) ranges.set(`${pointer}/${key}`, [first, first]);
    } else if (!entries.length) lines.push(`${indent}${head}${list ? '[]' : '{}'}${tail}`);
    else {
      lines.push(`${indent}${head}${list ? '[' : '{'}`);
      entries.forEach(([key, x], i) => {
        const path = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        write(x, path, `${indent}  `, list ? '' : `${scalar(key)}: `, i + 1 < entries.length ? ',' : '');
      });
      lines.push(`${indent}${list ? ']' : '}'}${tail}`);
    }
    ranges.set(pointer, [first, lines.length - 1]);
  };
  write(value, '', '', '', '');
  return { lines, ranges };
}

/** The lines of `from` (`#/mounts/3`); where the config lacks it, those of the nearest parent that it has. */
export function linesOf(json: JsonLines, from: string): [first: number, last: number] | undefined {
  if (!from.startsWith('#')) return undefined;
  for (let pointer = from.slice(1); pointer; pointer = pointer.slice(0, pointer.lastIndexOf('/'))) {
    const range = json.ranges.get(pointer);
    if (range) return range;
  }
  return undefined;
}
