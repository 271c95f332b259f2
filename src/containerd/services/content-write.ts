/**
 * Content.Write: one stream writes one ref. The first message names it; each one asks for the
 * state (STAT), adds bytes (WRITE), or ends it (COMMIT), and each is answered.
 */
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponse,
  WriteContentResponseSchema,
} from '../../proto/containerd/services/content/v1/content_pb.ts';
import { isNotFound } from '../errors.ts';
import type { ContentWriter, NamespacedContent } from '../metadata/content.ts';
import type { Scope } from '../scope.ts';
import { timestampOf } from '../timestamp.ts';
import type { Services } from './context.ts';

export async function* writeContent(
  { content }: Pick<Services, 'content'>,
  scope: Scope,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<WriteContentResponse> {
  let writer: ContentWriter | undefined;
  let [ref, total, expected] = ['', 0, ''];
  try {
    for await (const request of requests) {
      if (!writer) {
        ({ ref, expected } = request);
        total = Number(request.total);
        if (ref === '') throw new ConnectError('first message must have a reference', Code.InvalidArgument);
        writer = await content.write(scope, ref, { total, ...(expected === '' ? {} : { expected }) });
      }
      if (request.expected !== '') {
        expected = request.expected;
        await refuseExisting(content, scope, ref, writer, expected);
      }
      if (request.total > 0n) total = Number(request.total);
      if (request.action !== WriteAction.STAT) await take(request, writer);
      const answer = create(WriteContentResponseSchema, { action: request.action, offset: BigInt(writer.offset) });
      if (request.action === WriteAction.STAT) {
        answer.digest = writer.digest();
        answer.total = BigInt(total);
        answer.startedAt = timestampOf(writer.startedAt);
        answer.updatedAt = timestampOf(writer.updatedAt);
      }
      if (request.action === WriteAction.COMMIT) {
        const { labels } = request;
        answer.digest = await writer.commit({
          labels,
          ...(total > 0 ? { size: total } : {}),
          ...(expected === '' ? {} : { digest: expected }),
        });
        yield answer;
        return;
      }
      yield answer;
    }
  } finally {
    await writer?.close();
  }
}

/** Bytes, at the place where they belong: the end of what is there, or the beginning to begin anew. */
async function take({ offset, data }: WriteContentRequest, writer: ContentWriter): Promise<void> {
  const at = Number(offset);
  if (at > 0 && at !== writer.offset) {
    throw new ConnectError(`write @${at} must occur at current offset ${writer.offset}`, Code.OutOfRange);
  }
  if (at === 0 && writer.offset > 0 && data.length > 0) await writer.truncate(0);
  if (data.length > 0) await writer.write(data);
}

/** Somebody else may have finished the same content while this one was being written. */
async function refuseExisting(content: NamespacedContent, scope: Scope, ref: string, writer: ContentWriter, digest: string): Promise<void> {
  try {
    content.info(scope, digest);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  await writer.close();
  content.abort(scope, ref);
  throw new ConnectError(`blob with expected digest ${digest} exists`, Code.AlreadyExists);
}
