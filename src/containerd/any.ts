/** google.protobuf.Any, as containerd writes it: the type is a bare name, without a host before it. */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import type { AnyRecord } from './metadata/records.ts';

export const anyOf = <D extends DescMessage>(schema: D, message: MessageShape<D>): Any =>
  create(AnySchema, { typeUrl: schema.typeName, value: toBinary(schema, message) });

/** The name of the message that it holds. */
export const typeIn = ({ typeUrl }: { typeUrl: string }): string => typeUrl.slice(typeUrl.lastIndexOf('/') + 1);

/** What it holds, when it is of this kind. */
export const unpacked = <D extends DescMessage>(any: Any | undefined, schema: D): MessageShape<D> | undefined =>
  any && typeIn(any) === schema.typeName ? fromBinary(schema, any.value) : undefined;

export const anyToRecord = ({ typeUrl, value }: Any): AnyRecord => ({ typeUrl, value: Buffer.from(value).toString('base64') });

export const anyFromRecord = ({ typeUrl, value }: AnyRecord): Any => create(AnySchema, { typeUrl, value: Buffer.from(value, 'base64') });
