/** A transport that tells of each call that is made over it. It fits every one of Connect's: in memory, gRPC, ttrpc. */
import { create, type DescMethod, type Message } from '@bufbuild/protobuf';
import type { StreamResponse, Transport } from '@connectrpc/connect';
import { begin, sentence } from './crossing.ts';
import { withMessage } from './header.ts';
import type { Fields, Seam } from './message.ts';
import { described, isTold } from './teller.ts';

const nameOf = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;

/** For `createClient`. Where nobody listens, it is the transport itself. */
export function recorded(transport: Transport, seam: Seam): Transport {
  if (!isTold()) return transport;
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      const message = create(method.input, input);
      const { id, end } = begin({ ...seam, name: nameOf(method), carries: described(method.input, message) });
      try {
        const response = await transport.unary(method, signal, timeoutMs, withMessage(header, id), message as typeof input, contextValues);
        end(described(method.output, response.message));
        return response;
      } catch (error) {
        end(undefined, sentence(error));
        throw error;
      }
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      // One message goes out where the stream is the server's alone; of several, the first says what it is about.
      const inputs = input[Symbol.asyncIterator]();
      const first = await inputs.next();
      const carries: Fields = first.done ? {} : described(method.input, create(method.input, first.value));
      const { id, end } = begin({ ...seam, name: nameOf(method), carries });
      try {
        const response = await transport.stream(method, signal, timeoutMs, withMessage(header, id), goOn(first, inputs), contextValues);
        return { ...response, message: heard(response, method, seam, end) } as typeof response;
      } catch (error) {
        end(undefined, sentence(error));
        throw error;
      }
    },
  };
}

async function* goOn<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}

/** Each message of the server is one that goes the other way; the stream's own answer says how many there were. */
async function* heard<T extends Message>(
  response: Pick<StreamResponse, 'message'>,
  method: DescMethod,
  seam: Seam,
  end: (answer: Fields | undefined, failure?: string) => void,
): AsyncGenerator<T> {
  let messages = 0;
  try {
    for await (const message of response.message) {
      messages++;
      const back = { from: seam.to, to: seam.from, protocol: seam.protocol };
      if (isEvent(method)) begin({ ...back, name: nameOf(method), carries: described(method.output, message) }).end(undefined);
      yield message as unknown as T;
    }
    end({ messages });
  } catch (error) {
    end(messages ? { messages } : undefined, sentence(error));
    throw error;
  } finally {
    // The listener has heard enough.
    end({ messages });
  }
}

/** Events are news of their own; the pieces of a blob are not. */
const isEvent = (method: DescMethod): boolean => method.parent.typeName.includes('.events.');
