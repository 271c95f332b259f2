/**
 * Services that know which message they are answering: what they send meanwhile is told within it. A
 * message of a peer that tells nothing (the real ctr, the real containerd) is told here, by its receiver.
 */
import { create, type DescMethod, type DescService, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { begin, sentence } from './crossing.ts';
import { messageOf } from './header.ts';
import type { Fields, Seam } from './message.ts';
import { answeringTo, described, isTold } from './teller.ts';

type Routes = (router: ConnectRouter) => void;
type Implementation = (request: unknown, context: HandlerContext) => unknown;

/**
 * For `createRouterTransport`, `connectNodeAdapter` and `serveTtrpc`. Where nobody listens, it is the routes themselves.
 * @param seam how a message that has not been told comes here
 */
export function received(routes: Routes, seam: Seam): Routes {
  if (!isTold()) return routes;
  return (router) => {
    const wrapped: ConnectRouter = {
      handlers: router.handlers,
      service(service: DescService, implementation: Record<string, unknown>, options?: object) {
        router.service(service, wrapAll(service, implementation, seam) as never, options);
        return wrapped;
      },
      rpc(method: DescMethod, implementation: unknown, options?: object) {
        router.rpc(method, wrap(method, implementation as Implementation, seam) as never, options);
        return wrapped;
      },
    } as ConnectRouter;
    routes(wrapped);
  };
}

const wrapAll = (service: DescService, implementation: Record<string, unknown>, seam: Seam): Record<string, unknown> =>
  Object.fromEntries(
    service.methods.flatMap((method) => {
      const one = implementation[method.localName] as Implementation | undefined;
      return one ? [[method.localName, wrap(method, one.bind(implementation), seam)]] : [];
    }),
  );

/** The message that a call is: as its sender told it, or told now. */
function messageFor(method: DescMethod, request: unknown, context: HandlerContext, seam: Seam) {
  const known = messageOf(context.requestHeader);
  if (known !== undefined) return { id: known, end: () => {} };
  // Of a stream of requests nothing is known yet.
  const carries: Fields = isStream(request) ? {} : described(method.input, request as MessageShape<typeof method.input>);
  return begin({ ...seam, name: `${method.parent.typeName}/${method.name}`, carries });
}

const isStream = (request: unknown): boolean => typeof request === 'object' && request !== null && Symbol.asyncIterator in request;

function wrap(method: DescMethod, implementation: Implementation, seam: Seam): Implementation {
  const answers = method.methodKind === 'unary' || method.methodKind === 'client_streaming';
  return answers ? wrapOne(method, implementation, seam) : wrapMany(method, implementation, seam);
}

function wrapOne(method: DescMethod, implementation: Implementation, seam: Seam): Implementation {
  return async (request, context) => {
    const { id, end } = messageFor(method, request, context, seam);
    try {
      const answer = await answeringTo(id, () => implementation(request, context));
      end(described(method.output, create(method.output, answer as MessageInitShape<typeof method.output>)));
      return answer;
    } catch (error) {
      end(undefined, sentence(error));
      throw error;
    }
  };
}

/** A generator runs when it is asked for the next message, by somebody else. */
function wrapMany(method: DescMethod, implementation: Implementation, seam: Seam): Implementation {
  return async function* (request, context) {
    const { id, end } = messageFor(method, request, context, seam);
    const answers = answeringTo(id, () => (implementation(request, context) as AsyncIterable<unknown>)[Symbol.asyncIterator]());
    let messages = 0;
    try {
      for (;;) {
        const next = await answeringTo(id, () => answers.next());
        if (next.done) return;
        messages++;
        yield next.value;
      }
    } catch (error) {
      end(undefined, sentence(error));
      throw error;
    } finally {
      await answers.return?.();
      end({ messages });
    }
  } as Implementation;
}
