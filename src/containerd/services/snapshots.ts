/** The Snapshots service. */
import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { SnapshotCommitSchema, SnapshotPrepareSchema, SnapshotRemoveSchema } from '../../proto/containerd/events/snapshot_pb.ts';
import { InfoSchema, Kind, type Info as Message, type Snapshots } from '../../proto/containerd/services/snapshots/v1/snapshots_pb.ts';
import { invalidArgument } from '../errors.ts';
import type { NamespacedSnapshots, SnapshotInfo } from '../metadata/snapshots.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import type { Services } from './context.ts';

const LISTED_AT_ONCE = 100;

export const snapshotsService = ({ snapshots, events, collector }: Services): ServiceImpl<typeof Snapshots> => {
  const of = (name: string): NamespacedSnapshots => {
    if (name === '') throw invalidArgument('snapshotter argument missing');
    const found = snapshots.get(name);
    if (!found) throw invalidArgument(`snapshotter not loaded: ${name}`);
    return found;
  };
  const make = async (
    scope: Scope,
    kind: 'active' | 'view',
    { snapshotter, key, parent, labels }: { snapshotter: string; key: string; parent: string; labels: Record<string, string> },
  ) => {
    const mounts = await of(snapshotter).make(scope, kind, key, parent, labels);
    const event = create(SnapshotPrepareSchema, { snapshotter, key, parent });
    events.publish(scope.namespace, '/snapshot/prepare', SnapshotPrepareSchema, event);
    return { mounts };
  };
  return {
    prepare: (request, context) => make(scopeOf(context), 'active', request),
    view: (request, context) => make(scopeOf(context), 'view', request),
    mounts: async ({ snapshotter, key }, context) => ({ mounts: of(snapshotter).mounts(scopeOf(context), key) }),
    async commit({ snapshotter, name, key, labels }, context) {
      const scope = scopeOf(context);
      await of(snapshotter).commit(scope, name, key, labels);
      const event = create(SnapshotCommitSchema, { snapshotter, key, name });
      events.publish(scope.namespace, '/snapshot/commit', SnapshotCommitSchema, event);
      return {};
    },
    async remove({ snapshotter, key }, context) {
      const scope = scopeOf(context);
      of(snapshotter).remove(scope, key);
      events.publish(scope.namespace, '/snapshot/remove', SnapshotRemoveSchema, create(SnapshotRemoveSchema, { snapshotter, key }));
      collector.schedule();
      return {};
    },
    stat: async ({ snapshotter, key }, context) => ({ info: messageOf(of(snapshotter).stat(scopeOf(context), key)) }),
    update: async ({ snapshotter, info, updateMask }, context) => ({
      info: messageOf(of(snapshotter).update(scopeOf(context), info?.name ?? '', info?.labels ?? {}, updateMask?.paths ?? [])),
    }),
    async *list({ snapshotter, filters }, context) {
      const all = of(snapshotter).list(scopeOf(context), filters);
      for (let at = 0; at < all.length; at += LISTED_AT_ONCE) yield { info: all.slice(at, at + LISTED_AT_ONCE).map(messageOf) };
    },
    async usage({ snapshotter, key }, context) {
      const { size, inodes } = await of(snapshotter).usage(scopeOf(context), key);
      return { size: BigInt(size), inodes: BigInt(inodes) };
    },
    async cleanup({ snapshotter }) {
      of(snapshotter);
      await collector.collect();
      return {};
    },
  };
};

const KINDS = { active: Kind.ACTIVE, view: Kind.VIEW, committed: Kind.COMMITTED };

const messageOf = ({ name, parent, kind, labels, createdAt, updatedAt }: SnapshotInfo): Message =>
  create(InfoSchema, { name, parent, kind: KINDS[kind], labels, createdAt: timestampOf(createdAt), updatedAt: timestampOf(updatedAt) });
