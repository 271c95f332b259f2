/** What a client is told when a call fails. */
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { type Log, textOf } from './log.ts';

/**
 * Errors that are no ConnectErrors become `unknown` with their text, as containerd's do (Connect
 * would say "internal error" and no more). A handler that throws ends its call, never the daemon.
 * @param signal the caller's: who has given up is told so
 */
export function connectErrorOf(error: unknown, method: DescMethod, log: Log, signal: AbortSignal | undefined): ConnectError {
  if (error instanceof ConnectError) return error;
  if (signal?.aborted) return new ConnectError('context canceled', Code.Canceled);
  log('error', 'call failed', { service: method.parent.typeName, method: method.name, error: stackOf(error) });
  return new ConnectError(textOf(error), Code.Unknown, undefined, undefined, error);
}

/** The same, around each call of a router of Connect's. */
export const asGrpcError =
  (log: Log): Interceptor =>
  (next) =>
  async (request) => {
    const told = (error: unknown): ConnectError => connectErrorOf(error, request.method, log, request.signal);
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
