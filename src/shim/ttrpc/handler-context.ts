/** What an implementation is told of a call: Connect's HandlerContext, for calls that did not come by HTTP. */
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues, type HandlerContext } from '@connectrpc/connect';

export interface CallContext extends HandlerContext {
  /** Rejects when the caller waits no more: its time is over, or it has given up. The signal is aborted then. */
  readonly abandoned: Promise<never>;
  /** Aborts the signal. */
  stop(reason: ConnectError): void;
  /** The call is over: no timer any more, and nobody listens to the caller. */
  done(): void;
}

/** setTimeout's limit in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;

export interface Call {
  protocol: string;
  /** How long the caller waits; undefined for ever. */
  timeoutMs: number | undefined;
  /** By which the caller can give up. */
  signal?: AbortSignal | undefined;
  headers(): Headers;
}

/** Most of it is made only when it is looked at: the global Headers alone costs 5 MB when it is first touched (Node 20). */
export function handlerContext(method: DescMethod, { protocol, timeoutMs: budget, signal, headers }: Call): CallContext {
  const made: { controller?: AbortController; request?: Headers; response?: Headers; trailer?: Headers; stopped?: ConnectError } = {};
  const deadline = budget === undefined ? undefined : performance.now() + budget;
  const stop = (reason: ConnectError) => {
    made.stopped ??= reason;
    made.controller?.abort(made.stopped);
  };
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const abandoned = new Promise<never>((_resolve, reject) => {
    const abandon = (error: ConnectError) => {
      stop(error);
      reject(error);
    };
    if (budget !== undefined && budget <= LONGEST_TIMER) {
      timer = setTimeout(() => abandon(new ConnectError('context deadline exceeded', Code.DeadlineExceeded)), budget);
    }
    onAbort = () => abandon(ConnectError.from(signal?.reason, Code.Canceled));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
  return {
    method,
    service: method.parent,
    requestMethod: 'POST',
    protocolName: protocol,
    url: `${protocol}:/${method.parent.typeName}/${method.name}`,
    values: createContextValues(),
    timeoutMs() {
      // A timer may come a fraction of a millisecond early; once it has, no time is left.
      if (made.stopped?.code === Code.DeadlineExceeded) return 0;
      return deadline === undefined ? undefined : Math.max(0, deadline - performance.now());
    },
    abandoned,
    stop,
    done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
    get signal() {
      if (!made.controller) {
        made.controller = new AbortController();
        if (made.stopped) made.controller.abort(made.stopped);
      }
      return made.controller.signal;
    },
    get requestHeader() {
      made.request ??= headers();
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
