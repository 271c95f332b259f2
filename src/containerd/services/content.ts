/** The Content service: reading and writing in pieces. */
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { ContentDeleteSchema } from '../../proto/containerd/events/content_pb.ts';
import { type Content, InfoSchema, type Info as Message, StatusSchema } from '../../proto/containerd/services/content/v1/content_pb.ts';
import { parseDigest } from '../content/digest.ts';
import type { IngestStatus } from '../content/store.ts';
import type { ContentInfo } from '../metadata/content.ts';
import { scopeOf } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import { pieces } from './content-read.ts';
import { writeContent } from './content-write.ts';
import type { Services } from './context.ts';

const LISTED_AT_ONCE = 100;

export const contentService = (services: Services): ServiceImpl<typeof Content> => {
  const { content, events, collector } = services;
  return {
    info: async ({ digest }, context) => ({ info: messageOf(content.info(scopeOf(context), digest)) }),
    update: async ({ info, updateMask }, context) => ({
      info: messageOf(content.update(scopeOf(context), info?.digest ?? '', info?.labels ?? {}, updateMask?.paths ?? [])),
    }),
    async *list({ filters }, context) {
      const all = content.list(scopeOf(context), filters);
      for (let at = 0; at < all.length; at += LISTED_AT_ONCE) yield { info: all.slice(at, at + LISTED_AT_ONCE).map(messageOf) };
    },
    async delete({ digest }, context) {
      const scope = scopeOf(context);
      parseDigest(digest);
      content.remove(scope, digest);
      events.publish(scope.namespace, '/content/delete', ContentDeleteSchema, create(ContentDeleteSchema, { digest }));
      collector.schedule();
      return {};
    },
    async *read({ digest, offset, size }, context) {
      const blob = content.open(scopeOf(context), digest);
      try {
        const start = Math.max(0, Number(offset));
        if (start > blob.size) throw new ConnectError(`read past object length ${blob.size} bytes`, Code.OutOfRange);
        const wanted = Number(size) > 0 ? Number(size) : blob.size;
        yield* pieces(blob, start, Math.min(blob.size, start + wanted));
      } finally {
        blob.close();
      }
    },
    status: async ({ ref }, context) => ({ status: statusOf(content.status(scopeOf(context), ref)) }),
    listStatuses: async ({ filters }, context) => ({ statuses: content.statuses(scopeOf(context), filters).map(statusOf) }),
    write: (requests, context) => writeContent(services, scopeOf(context), requests),
    async abort({ ref }, context) {
      content.abort(scopeOf(context), ref);
      return {};
    },
  };
};

const messageOf = ({ digest, size, labels, createdAt, updatedAt }: ContentInfo): Message =>
  create(InfoSchema, { digest, size: BigInt(size), labels, createdAt: timestampOf(createdAt), updatedAt: timestampOf(updatedAt) });

const statusOf = ({ ref, offset, total, startedAt, updatedAt }: IngestStatus) =>
  create(StatusSchema, {
    ref,
    offset: BigInt(offset),
    total: BigInt(total),
    startedAt: timestampOf(startedAt),
    updatedAt: timestampOf(updatedAt),
  });
