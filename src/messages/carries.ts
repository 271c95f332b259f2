/** What a message carries, for a reader: the fields that are set, by their names in the .proto, short and without secrets. */
import { type DescMessage, fromBinary, type Message, type MessageShape } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { Any, Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import { schemaOf } from './known-types.ts';
import type { Carried, Fields } from './message.ts';

/** Longer texts end in an ellipsis. */
const LONGEST_TEXT = 200;
export const LONGEST_LIST = 8;
const DEEPEST = 6;

/** Names of fields, labels and variables whose values are nobody's business. */
const SECRET = /token|secret|passw|credential|authori[sz]|^auth|_auth|api_?key|private_?key|cookie/i;
/** `https://user:password@host`, and the query of an address, where tokens stand. */
const USER_INFO = /(\/\/)[^/@\s]+@/g;
const QUERY = /(\bhttps?:\/\/[^\s?]+\?)\S+/g;

/** Zero is no number there, and news. */
const ALWAYS = new Set(['exit_status']);

export const HIDDEN = '(not shown)';

/** The fields of a protobuf message. */
export const carriesOf = <T extends DescMessage>(schema: T, message: MessageShape<T>): Fields => fieldsOf(reflect(schema, message), 0);

/** A text without what must not be told, shortened. */
export function shown(text: string): string {
  const open = text.replace(USER_INFO, '$1…@').replace(QUERY, '$1…');
  return open.length > LONGEST_TEXT ? `${open.slice(0, LONGEST_TEXT)}…` : open;
}

function fieldsOf(message: ReflectMessage, depth: number): Fields {
  const fields: Fields = {};
  for (const field of message.fields) {
    if (!message.isSet(field) && !ALWAYS.has(field.name)) continue;
    if (SECRET.test(field.name)) {
      fields[field.name] = HIDDEN;
      continue;
    }
    switch (field.fieldKind) {
      case 'message':
        fields[field.name] = messageValue(message.get(field), depth + 1);
        break;
      case 'list':
        fields[field.name] = listValue([...message.get(field)], depth + 1, (v) =>
          field.listKind === 'message'
            ? messageValue(v as ReflectMessage, depth + 1)
            : field.listKind === 'enum'
              ? enumName(field.enum.values, v)
              : scalar(v),
        );
        break;
      case 'map':
        fields[field.name] = Object.fromEntries(
          [...message.get(field)].map(([key, v]) => [
            String(key),
            SECRET.test(String(key)) ? HIDDEN : field.mapKind === 'message' ? messageValue(v as ReflectMessage, depth + 1) : scalar(v),
          ]),
        );
        break;
      case 'enum':
        fields[field.name] = enumName(field.enum.values, message.get(field));
        break;
      default:
        fields[field.name] = scalar(message.get(field));
    }
  }
  return fields;
}

const enumName = (values: readonly { number: number; name: string }[], value: unknown): string =>
  values.find((v) => v.number === value)?.name ?? String(value);

const listValue = <T>(list: T[], _depth: number, one: (value: T) => Carried): Carried => [
  ...list.slice(0, LONGEST_LIST).map(one),
  ...(list.length > LONGEST_LIST ? [`… ${list.length - LONGEST_LIST} more`] : []),
];

function scalar(value: unknown): Carried {
  if (value instanceof Uint8Array) return bytes(value.length);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return typeof value === 'string' ? shown(value) : (value as number | boolean);
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);

function messageValue(value: ReflectMessage, depth: number): Carried {
  const { message } = value;
  switch (value.desc.typeName) {
    case 'google.protobuf.Timestamp': {
      const { seconds, nanos } = message as Message as Timestamp;
      const date = new Date(Number(seconds) * 1000 + Math.floor(nanos / 1e6));
      return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString();
    }
    case 'google.protobuf.Duration': {
      const { seconds, nanos } = message as Message as Duration;
      return `${Number(seconds) + nanos / 1e9} s`;
    }
    case 'google.protobuf.Any':
      return anyValue(message as Message as Any, depth);
    default:
      return depth > DEEPEST ? '…' : fieldsOf(value, depth);
  }
}

/** A value of any type: one that we know is opened; OCI's JSON is told by its size and its command. */
function anyValue({ typeUrl, value }: Any, depth: number): Carried {
  const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  if (/runtime-spec\/\d+\/(Spec|Process)$/.test(typeUrl))
    return specValue(value, /Process$/.test(typeUrl) ? 'process.json' : 'config.json');
  const schema = schemaOf(name);
  try {
    if (schema && depth <= DEEPEST) return { [name]: fieldsOf(reflect(schema, fromBinary(schema, value)), depth + 1) };
  } catch {
    // Not what its name says: told by its size.
  }
  return `${shown(name || typeUrl)}, ${bytes(value.length)}`;
}

/** Never the environment: people keep passwords in it. */
function specValue(value: Uint8Array, name: string): Carried {
  try {
    const spec = JSON.parse(Buffer.from(value).toString()) as { args?: string[]; process?: { args?: string[] } };
    const args = (name === 'process.json' ? spec.args : spec.process?.args) ?? [];
    return { [name]: bytes(value.length), args: listValue(args, 0, (arg) => shown(String(arg))) };
  } catch {
    return { [name]: bytes(value.length) };
  }
}
