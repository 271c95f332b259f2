/** The types that travel inside of others (google.protobuf.Any): events, and options of the runtime. */
import type { DescMessage } from '@bufbuild/protobuf';
import { file_containerd_events_container } from '../proto/containerd/events/container_pb.ts';
import { file_containerd_events_content } from '../proto/containerd/events/content_pb.ts';
import { file_containerd_events_image } from '../proto/containerd/events/image_pb.ts';
import { file_containerd_events_namespace } from '../proto/containerd/events/namespace_pb.ts';
import { file_containerd_events_snapshot } from '../proto/containerd/events/snapshot_pb.ts';
import { file_containerd_events_task } from '../proto/containerd/events/task_pb.ts';
import { file_containerd_runc_options } from '../proto/containerd/runc/options_pb.ts';

const FILES = [
  file_containerd_events_container,
  file_containerd_events_content,
  file_containerd_events_image,
  file_containerd_events_namespace,
  file_containerd_events_snapshot,
  file_containerd_events_task,
  file_containerd_runc_options,
];

let known: Map<string, DescMessage> | undefined;

/** By its full name, such as `containerd.events.TaskExit`. */
export function schemaOf(name: string): DescMessage | undefined {
  known ??= new Map(FILES.flatMap((file) => file.messages).map((message) => [message.typeName, message]));
  return known.get(name);
}
