/** What an implementation is told of a call: Connect's HandlerContext, made of a ttrpc request. */
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type HandlerContext } from '@connectrpc/connect';
import type { Request } from '../../proto/ttrpc/ttrpc_pb.ts';
import { headersOf } from './metadata.ts';

export interface TtrpcContext extends HandlerContext {
  /** Rejects when the caller's time is over. */
  readonly expired: Promise<never>;
  /** Aborts the signal. */
  stop(reason: ConnectError): void;
  /** The call is over: no timer any more. */
  done(): void;
}

/** setTimeout's limit in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Most of it is made only when it is looked at: the global Headers alone costs 5 MB when it is first touched (Node 20). */
export function handlerContext(method: DescMethod, { timeoutNano, metadata }: Request): TtrpcContext {
  const made: { controller?: AbortController; request?: Headers; response?: Headers; trailer?: Headers; stopped?: ConnectError } = {};
  const budget = timeoutNano > 0n ? Number(timeoutNano) / 1e6 : undefined;
  const deadline = budget === undefined ? undefined : performance.now() + budget;
  const stop = (reason: ConnectError) => {
    made.stopped ??= reason;
    made.controller?.abort(made.stopped);
  };
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    if (budget === undefined || budget > LONGEST_TIMER) return;
    timer = setTimeout(() => {
      const error = new ConnectError('context deadline exceeded', Code.DeadlineExceeded);
      stop(error);
      reject(error);
    }, budget);
  });
  return {
    method,
    service: method.parent,
    requestMethod: 'POST',
    protocolName: 'ttrpc',
    url: `ttrpc:/${method.parent.typeName}/${method.name}`,
    values: createContextValues(),
    timeoutMs: () => (deadline === undefined ? undefined : Math.max(0, deadline - performance.now())),
    expired,
    stop,
    done: () => clearTimeout(timer),
    get signal() {
      if (!made.controller) {
        made.controller = new AbortController();
        if (made.stopped) made.controller.abort(made.stopped);
      }
      return made.controller.signal;
    },
    get requestHeader() {
      made.request ??= headersOf(metadata);
      return made.request;
    },
    get responseHeader() {
      made.response ??= new Headers();
      return made.response;
    },
    get responseTrailer() {
      made.trailer ??= new Headers();
      return made.trailer;
    },
  };
}
