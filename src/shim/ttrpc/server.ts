/** ttrpc's server side: serves services that are written for a router of Connect. */
import type { Server, Socket } from 'node:net';
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import type { Status } from '../../proto/google/rpc/status_pb.ts';
import { type Request, RequestSchema, ResponseSchema } from '../../proto/ttrpc/ttrpc_pb.ts';
import { encodeFrame, FLAG, FRAME, type Frame, frameDecoder, tooLong } from './frame.ts';
import { handlerContext } from './handler-context.ts';
import { headersOf } from './metadata.ts';
import { type Route, type Routes, routesOf } from './routes.ts';
import { statusOf } from './status.ts';

/** Serves what `routes` adds on each connection of `server`; who made the server listens and closes. */
export function serveTtrpc(server: Server, routes: (router: ConnectRouter) => void): void {
  const table = routesOf(routes);
  server.on('connection', (socket) => serveConnection(socket, table));
}

/** One connection: its calls run side by side, and are told to stop when it ends. */
function serveConnection(socket: Socket, routes: Routes): void {
  /** How to stop the calls that are under way, by stream. */
  const running = new Map<number, (reason: ConnectError) => void>();
  let lastStream = 0;

  const respond = (stream: number, status: Status | undefined, payload: Uint8Array = new Uint8Array(0)) => {
    if (socket.destroyed) return;
    const data = toBinary(ResponseSchema, create(ResponseSchema, { status, payload }));
    try {
      socket.write(encodeFrame(stream, FRAME.response, 0, data));
    } catch {
      respond(stream, statusOf(new ConnectError(tooLong(data.length), Code.ResourceExhausted)));
    }
  };
  const refuse = (stream: number, message: string, code = Code.InvalidArgument) =>
    respond(stream, statusOf(new ConnectError(message, code)));

  const receive = ({ stream, type, flags, data, oversized }: Frame) => {
    if (oversized !== undefined) return refuse(stream, tooLong(oversized), Code.ResourceExhausted);
    if (stream % 2 !== 1) return refuse(stream, 'StreamID must be odd for client initiated streams');
    if (type === FRAME.data) return refuse(stream, 'StreamID is no longer active');
    // Types of later versions are to be ignored.
    if (type !== FRAME.request) return;
    if (stream <= lastStream) return refuse(stream, 'StreamID cannot be re-used and must increment');
    lastStream = stream;
    let request: Request;
    try {
      request = fromBinary(RequestSchema, data);
    } catch (error) {
      return refuse(stream, `unmarshal request error: ${error}`);
    }
    const name = `/${request.service}/${request.method}`;
    const service = routes.get(request.service);
    if (!service) return refuse(stream, `service ${request.service}`, Code.Unimplemented);
    const route = service.get(request.method);
    if (!route) return refuse(stream, `method ${name}`, Code.Unimplemented);
    if (flags & (FLAG.remoteOpen | FLAG.remoteClosed) || route.method.methodKind !== 'unary') {
      return refuse(stream, `method ${name}: streams are not spoken here`, Code.Unimplemented);
    }
    void answer(route, request, running, stream).then(
      (payload) => respond(stream, undefined, payload),
      (error) => respond(stream, statusOf(error)),
    );
  };

  socket.on('data', frameDecoder(receive));
  // The connection is over then; 'close' follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const stop of running.values()) stop(new ConnectError('ttrpc: closed', Code.Canceled));
  });
}

/** Makes one call. @returns the answer, encoded @throws what the implementation throws, or that the time is over */
async function answer(
  { method, implementation }: Route,
  request: Request,
  running: Map<number, (reason: ConnectError) => void>,
  stream: number,
) {
  const { timeoutNano, metadata } = request;
  const context = handlerContext(method, {
    protocol: 'ttrpc',
    timeoutMs: timeoutNano > 0n ? Number(timeoutNano) / 1e6 : undefined,
    headers: () => headersOf(metadata),
  });
  running.set(stream, context.stop);
  try {
    const result = Promise.resolve(implementation(decoded(method, request.payload), context));
    const message = await Promise.race([result, context.abandoned]);
    return toBinary(method.output, create(method.output, message as MessageInitShape<typeof method.output>));
  } finally {
    running.delete(stream);
    context.done();
  }
}

function decoded(method: DescMethod, payload: Uint8Array) {
  try {
    return fromBinary(method.input, payload);
  } catch (error) {
    throw new ConnectError(`unmarshal ${method.input.typeName} error: ${error}`, Code.InvalidArgument);
  }
}
