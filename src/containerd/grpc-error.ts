/** What a client is told when a call fails. */
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { type Log, textOf } from './log.ts';

/**
 * Errors that are no ConnectErrors become `unknown` with their text, as containerd's do (Connect
 * would say "internal error" and no more). A handler that throws ends its call, never the daemon.
 */
export const asGrpcError =
  (log: Log): Interceptor =>
  (next) =>
  async (request) => {
    const told = (error: unknown): ConnectError => {
      if (error instanceof ConnectError) return error;
      if (request.signal.aborted) return new ConnectError('context canceled', Code.Canceled);
      log('error', 'call failed', { service: request.service.typeName, method: request.method.name, error: stackOf(error) });
      return new ConnectError(textOf(error), Code.Unknown, undefined, undefined, error);
    };
    try {
      const response = await next(request);
      if (!response.stream) return response;
      return { ...response, message: guarded(response.message, told) };
    } catch (error) {
      throw told(error);
    }
  };

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function* guarded<T>(messages: AsyncIterable<T>, told: (error: unknown) => ConnectError): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw told(error);
  }
}
