/** The fields of events that filters can name: namespace, topic, and `event.` with a field of the event itself. */
import { create, createRegistry, fromBinary, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import * as container from '../../proto/containerd/events/container_pb.ts';
import * as content from '../../proto/containerd/events/content_pb.ts';
import * as image from '../../proto/containerd/events/image_pb.ts';
import * as namespace from '../../proto/containerd/events/namespace_pb.ts';
import * as snapshot from '../../proto/containerd/events/snapshot_pb.ts';
import * as task from '../../proto/containerd/events/task_pb.ts';
import type { Envelope } from '../../proto/containerd/services/events/v1/events_pb.ts';
import { typeIn } from '../any.ts';
import { type FieldOf, inMap, unlessEmpty } from '../filters.ts';

const FILES = [container, content, image, namespace, snapshot, task];
const KNOWN = createRegistry(
  ...FILES.flatMap((file) => Object.entries(file).flatMap(([name, value]) => (name.startsWith('file_') ? [value as never] : []))),
);

/** Decodes an event once, and only when somebody asks for a field of it. */
export function fieldOfEvent(envelope: Envelope): FieldOf {
  let decoded: Message | undefined;
  const event = () => {
    const any = envelope.event;
    const schema = any && KNOWN.getMessage(typeIn(any));
    decoded ??= schema && (decode(schema, any.value) as Message);
    return schema && decoded ? { schema, message: decoded } : undefined;
  };
  return ([first, ...rest]) => {
    if (first === 'namespace') return unlessEmpty(envelope.namespace);
    if (first === 'topic') return unlessEmpty(envelope.topic);
    if (first !== 'event') return undefined;
    const found = event();
    const [name = '', ...inside] = rest;
    const field = found?.schema.fields.find((candidate) => candidate.name === name);
    if (!found || !field) return undefined;
    const value: unknown = reflect(found.schema, found.message).get(field);
    if (field.fieldKind === 'map')
      return inMap((found.message as unknown as Record<string, Record<string, string>>)[field.localName] ?? {}, inside);
    return typeof value === 'object' || value === undefined ? undefined : unlessEmpty(String(value));
  };
}

function decode(schema: NonNullable<ReturnType<typeof KNOWN.getMessage>>, bytes: Uint8Array): Message {
  try {
    return fromBinary(schema, bytes);
  } catch {
    // Whoever sent it says that it is of this kind; it holds nothing that could be found, then.
    return create(schema);
  }
}
