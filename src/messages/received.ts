/** Services that know which message they are answering: what they send meanwhile is told within it. */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type { ConnectRouter, HandlerContext } from '@connectrpc/connect';
import { messageOf } from './header.ts';
import { answeringTo, isTold } from './teller.ts';

type Routes = (router: ConnectRouter) => void;
type Implementation = (request: unknown, context: HandlerContext) => unknown;

/** For `createRouterTransport`, `connectNodeAdapter` and `serveTtrpc`. Where nobody listens, it is the routes themselves. */
export function received(routes: Routes): Routes {
  if (!isTold()) return routes;
  return (router) => {
    const wrapped: ConnectRouter = {
      handlers: router.handlers,
      service(service: DescService, implementation: Record<string, unknown>, options?: object) {
        router.service(service, wrapAll(service, implementation) as never, options);
        return wrapped;
      },
      rpc(method: DescMethod, implementation: unknown, options?: object) {
        router.rpc(method, wrap(method, implementation as Implementation) as never, options);
        return wrapped;
      },
    } as ConnectRouter;
    routes(wrapped);
  };
}

const wrapAll = (service: DescService, implementation: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    service.methods.flatMap((method) => {
      const one = implementation[method.localName] as Implementation | undefined;
      return one ? [[method.localName, wrap(method, one.bind(implementation))]] : [];
    }),
  );

function wrap(method: DescMethod, implementation: Implementation): Implementation {
  if (method.methodKind === 'unary' || method.methodKind === 'client_streaming')
    return (request, context) => answeringTo(messageOf(context.requestHeader), () => implementation(request, context));
  // A generator runs when it is asked for the next message, by somebody else.
  return async function* (request, context) {
    const message = messageOf(context.requestHeader);
    const messages = answeringTo(message, () => (implementation(request, context) as AsyncIterable<unknown>)[Symbol.asyncIterator]());
    try {
      for (;;) {
        const next = await answeringTo(message, () => messages.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await messages.return?.();
    }
  } as Implementation;
}
