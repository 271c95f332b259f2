/** The Namespaces service. */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { NamespaceCreateSchema, NamespaceDeleteSchema, NamespaceUpdateSchema } from '../../proto/containerd/events/namespace_pb.ts';
import type { Namespaces } from '../../proto/containerd/services/namespaces/v1/namespace_pb.ts';
import { createNamespace, deleteNamespace, getNamespace, listNamespaces, updateNamespace } from '../metadata/namespaces.ts';
import type { Services } from './context.ts';

export const namespacesService = ({ records, events }: Services): ServiceImpl<typeof Namespaces> => ({
  get: async ({ name }) => ({ namespace: getNamespace(records, name) }),
  list: async () => ({ namespaces: listNamespaces(records) }),
  async create({ namespace }) {
    const made = createNamespace(records, { name: namespace?.name ?? '', labels: namespace?.labels ?? {} });
    events.publish(made.name, '/namespaces/create', NamespaceCreateSchema, create(NamespaceCreateSchema, made));
    return { namespace: made };
  },
  async update({ namespace, updateMask }) {
    const changed = updateNamespace(records, { name: namespace?.name ?? '', labels: namespace?.labels ?? {} }, updateMask?.paths ?? []);
    events.publish(changed.name, '/namespaces/update', NamespaceUpdateSchema, create(NamespaceUpdateSchema, changed));
    return { namespace: changed };
  },
  async delete({ name }) {
    deleteNamespace(records, name);
    events.publish(name, '/namespaces/delete', NamespaceDeleteSchema, create(NamespaceDeleteSchema, { name }));
    return {};
  },
});
