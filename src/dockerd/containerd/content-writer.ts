/** Writing content over containerd's gRPC: one stream for one ref, whose every message is answered. */
import { create } from '@bufbuild/protobuf';
import type { BlobWriter } from '../../containerd/transfer/ports.ts';
import {
  WriteAction,
  type WriteContentRequest,
  WriteContentRequestSchema,
  type WriteContentResponse,
} from '../../proto/containerd/services/content/v1/content_pb.ts';
import type { ContainerdClients } from './clients.ts';

/** Bytes of a message; containerd takes 16 MiB at most. */
const PIECE = 1 << 20;

/** Messages that are sent as they come, until `end`. */
function outbox<T>(): { messages: AsyncIterable<T>; send(message: T): void; end(): void } {
  const waiting: T[] = [];
  let ended = false;
  let wake = () => {};
  async function* messages() {
    for (;;) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    messages: messages(),
    send(message) {
      waiting.push(message);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  };
}

/** @throws unavailable while somebody else writes to that ref, already exists when what is expected is there */
export async function openContentWriter(
  { content }: Pick<ContainerdClients, 'content'>,
  headers: Record<string, string>,
  ref: string,
  { expected = '', total = 0 }: { expected?: string; total?: number } = {},
): Promise<BlobWriter> {
  const { messages, send, end } = outbox<WriteContentRequest>();
  const answers = content.write(messages, { headers })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  let broken: { error: unknown } | undefined;
  const ask = (request: Partial<WriteContentRequest> & { action: WriteAction }): Promise<WriteContentResponse> => {
    // The stream has ended with this error, and has no more to say.
    if (broken) return Promise.reject(broken.error);
    send(create(WriteContentRequestSchema, { ref, ...request } as WriteContentRequest));
    const answer = last.then(async () => {
      const { value, done } = await answers.next();
      if (done) throw new Error(`content: containerd ended the writing of ${ref}`);
      return value;
    });
    last = answer.catch((error: unknown) => {
      broken ??= { error };
      throw broken.error;
    });
    last.catch(() => {});
    return answer;
  };
  const close = async (): Promise<void> => {
    end();
    // Until its end is seen, the ref counts as being written to.
    await last.catch(() => {});
    for (let open = !broken; open; )
      open = await answers.next().then(
        ({ done }) => !done,
        () => false,
      );
  };
  let offset: number;
  try {
    offset = Number((await ask({ action: WriteAction.STAT, expected, total: BigInt(total) })).offset);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get offset() {
      return offset;
    },
    async write(chunk) {
      const sent: Promise<unknown>[] = [];
      for (let at = 0; at < chunk.length; at += PIECE) {
        // A copy: it is sent later, and the caller may use his buffer again.
        const data = Uint8Array.from(chunk.subarray(at, at + PIECE));
        sent.push(ask({ action: WriteAction.WRITE, offset: BigInt(offset), data }));
        offset += data.length;
      }
      await Promise.all(sent);
    },
    async truncate(size) {
      // containerd begins anew with what is written at 0, and knows no other way.
      if (size !== 0) throw new Error(`content: cannot go back to byte ${size}, only to the beginning`);
      offset = 0;
    },
    async commit({ size, digest }) {
      const wanted = { total: BigInt(size ?? 0), expected: digest ?? '', offset: BigInt(offset) };
      return (await ask({ action: WriteAction.COMMIT, ...wanted })).digest;
    },
    close,
  };
}
