/** ttrpc's metadata ↔ HTTP headers, in which Connect carries the same. */
import { create } from '@bufbuild/protobuf';
import { type KeyValue, KeyValueSchema } from '../../proto/ttrpc/ttrpc_pb.ts';

/** What Connect takes as headers. */
type HeadersInit = NonNullable<ConstructorParameters<typeof Headers>[0]>;

/** containerd's name for the namespace of a call. */
export const NAMESPACE = 'containerd-namespace-ttrpc';

/** Headers for Connect; the values of a key that stands several times are joined, as in HTTP. */
export function headersOf(metadata: readonly KeyValue[]): Headers {
  const headers = new Headers();
  for (const { key, value } of metadata) headers.append(key, value);
  return headers;
}

export function metadataOf(headers: HeadersInit | undefined): KeyValue[] {
  if (!headers) return [];
  // The global Headers costs 5 MB when it is first touched (Node 20): a plain object or list does without.
  const entries = isIterable(headers) ? [...headers] : Object.entries(headers);
  return entries.map(([key = '', value = '']) => create(KeyValueSchema, { key: key.toLowerCase(), value: String(value) }));
}

const isIterable = (headers: HeadersInit): headers is Iterable<[string, string]> & HeadersInit => Symbol.iterator in headers;
