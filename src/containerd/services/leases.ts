/** The Leases service. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { Leases } from '../../proto/containerd/services/leases/v1/leases_pb.ts';
import { invalidArgument } from '../errors.ts';
import { addResource, createLease, deleteLease, deleteResource, type Lease, listLeases, listResources } from '../metadata/leases.ts';
import { scopeOf } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import type { Services } from './context.ts';

export const leasesService = ({ records, collector }: Services): ServiceImpl<typeof Leases> => ({
  create: async ({ id, labels }, context) => ({ lease: messageOf(createLease(records, scopeOf(context), id, labels)) }),
  async delete({ id, sync }, context) {
    deleteLease(records, scopeOf(context), id);
    if (sync) await collector.collect();
    else collector.schedule();
    return {};
  },
  list: async ({ filters }, context) => ({ leases: listLeases(records, scopeOf(context), filters).map(messageOf) }),
  async addResource({ id, resource }, context) {
    addResource(records, scopeOf(context), id, named(resource));
    return {};
  },
  async deleteResource({ id, resource }, context) {
    deleteResource(records, scopeOf(context), id, named(resource));
    collector.schedule();
    return {};
  },
  listResources: async ({ id }, context) => ({ resources: listResources(records, scopeOf(context), id) }),
});

const messageOf = ({ id, labels, createdAt }: Lease) => ({ id, labels, createdAt: timestampOf(createdAt) });

function named<T>(resource: T | undefined): T {
  if (!resource) throw invalidArgument('resource must be given');
  return resource;
}
