/**
 * Annotations `org.systemd.property.NAME` as properties of the container's unit. Their values are
 * written as GVariant texts: `true`, `'a text'`, `uint64 5`, `['a', 'b']`.
 * Sources: runc's docs/systemd.md; GLib, "GVariant Text Format".
 */
import type { Property } from './systemd-properties.ts';

const PREFIX = 'org.systemd.property.';

/** Words before a number, and letters after `@`. */
const TYPES: Record<string, string> = {
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  boolean: 'b',
};

const quoted = (text: string): string | undefined => {
  const inside = /^'((?:[^'\\]|\\.)*)'$|^"((?:[^"\\]|\\.)*)"$/.exec(text);
  return inside ? (inside[1] ?? inside[2] ?? '').replace(/\\(.)/g, '$1') : undefined;
};

/** A value that is no list. */
function single(text: string): { signature: string; value: string } | undefined {
  const typed = /^(?:@([a-z]) |([a-z]+\d*) )(.*)$/.exec(text);
  const signature = typed ? (typed[1] ?? TYPES[typed[2] as string]) : undefined;
  const plain = typed ? (typed[3] as string).trim() : text;
  if (typed && (signature === undefined || !Object.values(TYPES).includes(signature))) return undefined;
  const word = quoted(plain);
  if (word !== undefined) return signature === undefined || signature === 's' ? { signature: 's', value: word } : undefined;
  if (plain === 'true' || plain === 'false')
    return signature === undefined || signature === 'b' ? { signature: 'b', value: plain } : undefined;
  if (/^[-+]?\d+$/.test(plain)) return { signature: signature ?? 'i', value: plain };
  return /^[-+]?\d*\.\d+$/.test(plain) ? { signature: signature ?? 'd', value: plain } : undefined;
}

/** The items of a list: at commas that are not inside of quotes. */
const items = (text: string): string[] => text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,\s][^,]*/g)?.map((item) => item.trim()) ?? [];

function parsed(text: string): { signature: string; values: string[] } | undefined {
  const list = /^(?:@a([a-z]) )?\[(.*)\]$/s.exec(text);
  if (!list) {
    const one = single(text);
    return one ? { signature: one.signature, values: [one.value] } : undefined;
  }
  const found = items(list[2] as string).map(single);
  const signature = list[1] ?? found[0]?.signature;
  if (signature === undefined || found.some((f) => f === undefined || (list[1] === undefined && f.signature !== signature)))
    return undefined;
  return { signature: `a${signature}`, values: [String(found.length), ...found.map((f) => f?.value as string)] };
}

/** `TimeoutStopSec 5` is TimeoutStopUSec in microseconds on the bus. */
function inMicroseconds(found: Property): Property {
  if (!/[a-z]Sec$/.test(found.name) || !/^[ynqiuxtd]$/.test(found.signature)) return found;
  const value = String(Math.trunc(Number(found.values[0]) * 1_000_000));
  return { name: found.name.replace(/Sec$/, 'USec'), signature: 't', values: [value] };
}

/** @returns the properties, and a sentence for each annotation that is none */
export function annotationProperties(annotations: Record<string, string> | undefined): { properties: Property[]; problems: string[] } {
  const properties: Property[] = [];
  const problems: string[] = [];
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue;
    const name = key.slice(PREFIX.length);
    const place = `#/annotations/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const value = parsed(text.trim());
    if (!/^[A-Za-z]{3,}$/.test(name))
      problems.push(`${place}: ${JSON.stringify(name)} is no name of a systemd property: three letters or more`);
    else if (!value)
      problems.push(
        `${place}: ${JSON.stringify(text)} is no value that can be passed to systemd; write it as a GVariant text, such as true, 'a text', uint64 5 or ['a', 'b']`,
      );
    else if (/[a-z]Sec$/.test(name) && !/^[ynqiuxtd]$/.test(value.signature))
      problems.push(`${place}: ${JSON.stringify(text)} is not a number of seconds`);
    else properties.push(inMicroseconds({ name, ...value }));
  }
  return { properties, problems };
}
