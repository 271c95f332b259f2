/** The Containers service. */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { ContainerCreateSchema, ContainerDeleteSchema, ContainerUpdateSchema } from '../../proto/containerd/events/container_pb.ts';
import {
  ContainerSchema,
  type Containers,
  type Container as Message,
} from '../../proto/containerd/services/containers/v1/containers_pb.ts';
import { anyFromRecord, anyToRecord } from '../any.ts';
import { invalidArgument } from '../errors.ts';
import { type Container, createContainer, deleteContainer, getContainer, listContainers, updateContainer } from '../metadata/containers.ts';
import { scopeOf } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import type { Services } from './context.ts';

export const containersService = ({ records, events, collector }: Services): ServiceImpl<typeof Containers> => ({
  get: async ({ id }, context) => ({ container: messageOf(getContainer(records, scopeOf(context), id)) }),
  list: async ({ filters }, context) => ({ containers: listContainers(records, scopeOf(context), filters).map(messageOf) }),
  async *listStream({ filters }, context) {
    for (const container of listContainers(records, scopeOf(context), filters)) yield { container: messageOf(container) };
  },
  async create({ container }, context) {
    const scope = scopeOf(context);
    const made = messageOf(createContainer(records, scope, recordOf(container)));
    const { id, image, runtime } = made;
    const event = create(ContainerCreateSchema, { id, image, runtime: { name: runtime?.name, options: runtime?.options } });
    events.publish(scope.namespace, '/containers/create', ContainerCreateSchema, event);
    return { container: made };
  },
  async update({ container, updateMask }, context) {
    const scope = scopeOf(context);
    const changed = messageOf(updateContainer(records, scope, recordOf(container), updateMask?.paths ?? []));
    const { id, image, labels, snapshotKey } = changed;
    const event = create(ContainerUpdateSchema, { id, image, labels, snapshotKey });
    events.publish(scope.namespace, '/containers/update', ContainerUpdateSchema, event);
    return { container: changed };
  },
  async delete({ id }, context) {
    const scope = scopeOf(context);
    deleteContainer(records, scope, id);
    events.publish(scope.namespace, '/containers/delete', ContainerDeleteSchema, create(ContainerDeleteSchema, { id }));
    collector.schedule();
    return {};
  },
});

function messageOf({ createdAt, updatedAt, runtime, spec, extensions, ...rest }: Container): Message {
  return create(ContainerSchema, {
    ...rest,
    runtime: { name: runtime.name, options: runtime.options && anyFromRecord(runtime.options) },
    spec: spec && anyFromRecord(spec),
    extensions: mapValues(extensions, anyFromRecord),
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
  });
}

function recordOf(message: Message | undefined): Container {
  if (!message) throw invalidArgument('container must be given');
  const { id, labels, image, runtime, spec, snapshotter, snapshotKey, extensions, sandbox } = message;
  return {
    id,
    labels,
    image,
    runtime: { name: runtime?.name ?? '', ...(runtime?.options ? { options: anyToRecord(runtime.options) } : {}) },
    ...(spec ? { spec: anyToRecord(spec) } : {}),
    snapshotter,
    snapshotKey,
    extensions: mapValues(extensions, anyToRecord),
    sandbox,
    createdAt: '',
    updatedAt: '',
  };
}

const mapValues = <A, B>(map: Record<string, A>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
