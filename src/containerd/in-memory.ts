/** Calls of services that are in the same process. */
import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createRouterTransport, type Transport } from '@connectrpc/connect';
import { handlerContext } from '../shim/ttrpc/handler-context.ts';
import { type Route, routesOf } from '../shim/ttrpc/routes.ts';
import { asGrpcError, connectErrorOf } from './grpc-error.ts';
import type { Log } from './log.ts';

/**
 * For Connect's createClient. A call without streams is a call of its implementation: Connect's own transport
 * for this makes an HTTP exchange of it, with both messages in their binary form, and that was a quarter of
 * what `docker run` cost the daemon. Who is called must not change what it is given, nor keep it; the same
 * holds for who is answered.
 */
export function inMemoryTransport(routes: (router: ConnectRouter) => void, log: Log): Transport {
  const table = routesOf(routes);
  const { stream } = createRouterTransport(routes, { router: { interceptors: [asGrpcError(log)] } });
  const find = (method: DescMethod): Route => {
    const route = table.get(method.parent.typeName)?.get(method.name);
    if (!route) throw new ConnectError(`${method.parent.typeName}/${method.name} is not served`, Code.Unimplemented);
    return route;
  };
  return {
    stream,
    async unary(method, signal, timeoutMs, header, input) {
      const { implementation } = find(method);
      const headers = header instanceof Headers ? header : new Headers(header);
      const context = handlerContext(method, { protocol: 'memory', timeoutMs, signal, headers: () => headers });
      try {
        const call = async () => implementation(create(method.input, input), context);
        const answer = await Promise.race([call(), context.abandoned]);
        return {
          stream: false,
          service: method.parent,
          method,
          message: create(method.output, answer as MessageInitShape<typeof method.output>),
          header: context.responseHeader,
          trailer: context.responseTrailer,
        };
      } catch (error) {
        throw connectErrorOf(error, method, log, signal);
      } finally {
        context.done();
      }
    },
  };
}
