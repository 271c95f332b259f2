/**
 * The wire format of Protocol Buffers, as far as criu's messages need it: numbers and what has a
 * length. A message is described by a table of its fields, and its value is a plain object.
 * Source: protobuf.dev, "Encoding".
 */

export interface FieldType {
  number: number;
  type: 'int' | 'bool' | 'text' | Fields;
  /** Any number of them: the value is an array. */
  many?: true;
}

/** The fields of a message by name. */
export type Fields = { readonly [name: string]: FieldType };

type Scalar<T> = T extends 'int' ? number : T extends 'bool' ? boolean : T extends 'text' ? string : T extends Fields ? Message<T> : never;

/** The value of a message: fields that are not there are left out. */
export type Message<F extends Fields> = {
  -readonly [K in keyof F]?: F[K] extends { many: true } ? Scalar<F[K]['type']>[] : Scalar<F[K]['type']>;
};

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Seven bits a byte, the low ones first. A negative int32 or enum takes ten bytes, as a 64-bit number. */
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function encodeField({ number, type }: FieldType, value: unknown): Buffer {
  if (type === 'int' || type === 'bool') return Buffer.concat([varint((number << 3) | VARINT), varint(Number(value))]);
  const content = type === 'text' ? Buffer.from(value as string) : encode(type, value as Message<typeof type>);
  return Buffer.concat([varint((number << 3) | DELIMITED), varint(content.length), content]);
}

/** The bytes of a message. */
export function encode<F extends Fields>(fields: F, message: Message<F>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const value = (message as Record<string, unknown>)[name];
    if (value === undefined) continue;
    for (const each of field.many ? (value as unknown[]) : [value]) parts.push(encodeField(field, each));
  }
  return Buffer.concat(parts);
}

function readVarint(bytes: Uint8Array, at: number): [value: bigint, next: number] {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 63n) throw new Error('a message that is cut off in the middle of a number');
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

/**
 * The value of a message; fields that the table does not have are passed over.
 * @throws Error when the bytes are no message
 */
export function decode<F extends Fields>(fields: F, bytes: Uint8Array): Message<F> {
  const byNumber = new Map(Object.entries(fields).map(([name, field]) => [field.number, { name, field }]));
  const message: Record<string, unknown> = {};
  for (let at = 0; at < bytes.length; ) {
    const [key, afterKey] = readVarint(bytes, at);
    const wire = Number(key & 7n);
    const known = byNumber.get(Number(key >> 3n));
    let value: unknown;
    if (wire === VARINT) {
      const [number, next] = readVarint(bytes, afterKey);
      value = known?.field.type === 'bool' ? number !== 0n : Number(BigInt.asIntN(64, number));
      at = next;
    } else if (wire === DELIMITED) {
      const [length, start] = readVarint(bytes, afterKey);
      at = start + Number(length);
      const content = bytes.subarray(start, at);
      if (content.length < Number(length)) throw new Error('a message that is cut off in the middle of a text');
      const type = known?.field.type;
      value = typeof type === 'object' ? decode(type, content) : Buffer.from(content).toString();
    } else if (wire === FIXED32 || wire === FIXED64) at = afterKey + (wire === FIXED32 ? 4 : 8);
    else throw new Error(`a message with a field of the unknown wire type ${wire}`);
    if (!known || value === undefined) continue;
    if (known.field.many) message[known.name] = [...((message[known.name] as unknown[] | undefined) ?? []), value];
    else message[known.name] = value;
  }
  return message as Message<F>;
}
