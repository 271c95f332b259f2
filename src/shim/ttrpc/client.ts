/** ttrpc's client side, as a transport for Connect: `createClient(Task, connectTtrpc(path).transport)`. */
import { connect } from 'node:net';
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { RequestSchema, ResponseSchema } from '../../proto/ttrpc/ttrpc_pb.ts';
import { encodeFrame, FRAME, type Frame, frameDecoder, MAX_DATA_BYTES, tooLong } from './frame.ts';
import { metadataOf } from './metadata.ts';
import { errorOf } from './status.ts';

export interface TtrpcConnection {
  /** For Connect's createClient. Calls without a stream only, the others are refused as unimplemented. */
  readonly transport: Transport;
  /** Resolves when the connection is over, whoever ended it. Never rejects. */
  readonly closed: Promise<void>;
  /** Ends it; what is under way fails with `unavailable`. */
  close(): void;
  /** While it has no call under way it does not keep the process alive. */
  unref(): void;
}

interface Pending {
  resolve(payload: Uint8Array): void;
  reject(error: unknown): void;
}

/** The last number that a stream of the client may have: they are odd, count up, and have 32 bits. */
const LAST_STREAM = 0xffffffff;
/** setTimeout's limit; who waits longer waits for ever. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Connects to a unix socket; `unix://` may stand before the path, and a path that begins with `@` is
 * an abstract name. Nothing is thrown here: where nobody answers, the calls fail with `unavailable`.
 */
export function connectTtrpc(path: string): TtrpcConnection {
  const address = path.replace(/^unix:\/\//, '');
  const socket = connect(address.startsWith('@') ? address.replace('@', '\0') : address);
  const pending = new Map<number, Pending>();
  let lastStream = -1;
  let over: ConnectError | undefined;
  let unreferenced = false;

  const end = (error: ConnectError) => {
    over ??= error;
    socket.destroy();
    for (const { reject } of pending.values()) reject(over);
    pending.clear();
  };
  const settle = (stream: number): Pending | undefined => {
    const call = pending.get(stream);
    pending.delete(stream);
    if (unreferenced && pending.size === 0) socket.unref();
    return call;
  };
  const receive = ({ stream, type, data, oversized }: Frame) => {
    // An answer to a call that was given up, or a type of a later version.
    if (type !== FRAME.response && oversized === undefined) return;
    const call = settle(stream);
    if (!call) return;
    if (oversized !== undefined) return call.reject(new ConnectError(tooLong(oversized), Code.ResourceExhausted));
    try {
      const response = fromBinary(ResponseSchema, data);
      const error = errorOf(response.status);
      if (error) call.reject(error);
      else call.resolve(response.payload);
    } catch (error) {
      call.reject(new ConnectError(`ttrpc: ${address}: the answer cannot be read: ${error}`, Code.Internal));
    }
  };
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      end(new ConnectError('ttrpc: closed', Code.Unavailable));
      resolve();
    });
  });
  socket.on('data', frameDecoder(receive));
  socket.on('error', (error) => end(new ConnectError(`ttrpc: ${address}: ${error.message}`, Code.Unavailable)));

  /** Sends one call and waits for its answer's payload. */
  const call = (request: Uint8Array, signal: AbortSignal | undefined, timeoutMs: number | undefined) =>
    new Promise<Uint8Array>((resolve, reject) => {
      if (over) return reject(over);
      if (signal?.aborted) return reject(ConnectError.from(signal.reason, Code.Canceled));
      if (request.length > MAX_DATA_BYTES) return reject(new ConnectError(tooLong(request.length), Code.ResourceExhausted));
      if (lastStream >= LAST_STREAM) {
        const error = new ConnectError('ttrpc: all streams of this connection were used', Code.Unavailable);
        end(error);
        return reject(error);
      }
      lastStream += 2;
      const stream = lastStream;
      // ttrpc has no message that ends a call: who gives up only stops listening.
      const giveUp = (error: ConnectError) => settle(stream)?.reject(error);
      const onAbort = () => giveUp(ConnectError.from(signal?.reason, Code.Canceled));
      const timer =
        timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER
          ? setTimeout(() => giveUp(new ConnectError('context deadline exceeded', Code.DeadlineExceeded)), timeoutMs)
          : undefined;
      const finishing =
        <T>(settled: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          settled(value);
        };
      pending.set(stream, { resolve: finishing(resolve), reject: finishing(reject) });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (unreferenced) socket.ref();
      socket.write(encodeFrame(stream, FRAME.request, 0, request));
    });

  const transport: Transport = {
    async unary(method, signal, timeoutMs, header, input) {
      const request = create(RequestSchema, {
        service: method.parent.typeName,
        method: method.name,
        payload: encoded(method.input, input),
        timeoutNano: timeoutMs === undefined ? 0n : BigInt(Math.max(1, Math.round(timeoutMs * 1e6))),
        metadata: metadataOf(header),
      });
      const payload = await call(toBinary(RequestSchema, request), signal, timeoutMs);
      return {
        stream: false,
        service: method.parent,
        method,
        message: fromBinary(method.output, payload),
        // Answers have no metadata. Made when asked for: the global Headers costs 5 MB.
        get header() {
          return new Headers();
        },
        get trailer() {
          return new Headers();
        },
      };
    },
    async stream(method) {
      throw new ConnectError(`ttrpc: ${method.parent.typeName}/${method.name}: streams are not spoken here`, Code.Unimplemented);
    },
  };
  return {
    transport,
    closed,
    close: () => end(new ConnectError('ttrpc: closed', Code.Unavailable)),
    unref: () => {
      unreferenced = true;
      if (pending.size === 0) socket.unref();
    },
  };
}

const encoded = <I extends DescMessage>(schema: I, input: MessageInitShape<I>) => toBinary(schema, create(schema, input));
