/** The options of a Create request: how the OCI runtime is to be called. Kept in the bundle, for whoever cleans up after a killed shim. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { type Options, OptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import { unknown } from './errors.ts';

const FILE = 'options.json';

/** Any's type, without what may stand before it: containerd writes none, others write type.googleapis.com/. */
export const typeOf = (any: Any): string => any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);

/** @throws ConnectError when they are of another runtime's kind, or broken */
export function parseOptions(any: Any | undefined): Options {
  if (!any?.value.length) return create(OptionsSchema);
  if (typeOf(any) !== OptionsSchema.typeName) throw unknown(`options of type ${any.typeUrl}; this runtime takes ${OptionsSchema.typeName}`);
  return fromBinary(OptionsSchema, any.value);
}

/** Names are as in the .proto file, as containerd's own shim writes them. */
export function saveOptions(bundle: string, options: Options): void {
  const json = toJson(OptionsSchema, options, { useProtoFieldName: true });
  writeFileSync(join(bundle, FILE), JSON.stringify(json), { mode: 0o600 });
  writeFileSync(join(bundle, 'runtime'), options.binaryName, { mode: 0o600 });
}

/** Those of a bundle; the defaults where none were saved. */
export function loadOptions(bundle: string): Options {
  try {
    return fromJson(OptionsSchema, JSON.parse(readFileSync(join(bundle, FILE), 'utf8')) as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return create(OptionsSchema);
  }
}
