/** Docker's API on sockets: HTTP/1.1, with connections that become plain streams. */
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { type Log, textOf } from '../../containerd/log.ts';
import { isTold } from '../../messages/teller.ts';
import { asApiError, badRequest } from './api-error.ts';
import { openCall } from './call.ts';
import { drain } from './drain.ts';
import { API_VERSION, find, type Route } from './router.ts';

export interface ApiServer {
  /** Listens on a unix socket that only its owner can connect to, or on HOST:PORT. */
  server: ReturnType<typeof createServer>;
  /** Nobody is served any more, and who is connected is cut off. */
  close(): Promise<void>;
}

/** What each answer carries: clients choose the version that they speak by it. */
const headersOf = (name: string): Record<string, string> => ({
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: name,
});

/** A path that is not too long to be read: Node's own limit for a whole header is 16 KiB. */
const MAX_HEADER = 64 << 10;

export function createApiServer(routes: readonly Route[], log: Log, name: string): ApiServer {
  const sockets = new Set<Socket>();
  // The other side may close its half and still wait for ours: `docker attach` without input does.
  // A client that is slow in sending (a tar of a whole image) has all the time that it needs.
  const server = createServer({ maxHeaderSize: MAX_HEADER, requestTimeout: 0, keepAliveTimeout: 0, allowHalfOpen: true } as object);
  const serve = (request: IncomingMessage, response: ServerResponse, body: Readable, upgrade: boolean) => {
    for (const [header, value] of Object.entries(headersOf(name))) response.setHeader(header, value);
    // A client that goes away in the middle is no fault of ours.
    response.on('error', (error) => log('debug', 'answer not sent', { error }));
    void answer(routes, request, response, body, upgrade).catch(async (error: unknown) => {
      if (!upgrade && !response.headersSent && !(await drain(request))) response.setHeader('Connection', 'close');
      fail(response, error, request, log);
    });
  };
  server.on('request', (request, response) => serve(request, response, request, false));
  server.on('upgrade', (request, socket: Socket, head) => {
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    // Whoever asks for a stream and gets an answer instead must not wait for more: Node reads no further request here.
    response.shouldKeepAlive = false;
    response.on('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    serve(request, response, bodyBehind(request, socket, head), true);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (error) => log('debug', 'connection failed', { error }));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log('debug', 'not a request', { error: textOf(error) });
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const text = `{"message":"not a valid HTTP request: ${error.code ?? 'bad request'}"}\n`;
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    );
  });
  return {
    server,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
  body: Readable,
  upgrade: boolean,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://docker');
  const { handler, params, version } = find(routes, request.method ?? 'GET', url.pathname);
  const parts = { request, response, params, query: url.searchParams, version, body, upgrade };
  if (!isTold()) return handler(openCall(parts));
  const { handleTold } = await import('./told.ts');
  await handleTold(handler, parts, url.pathname);
}

function fail(response: ServerResponse, error: unknown, request: IncomingMessage, log: Log): void {
  const { status, message } = asApiError(error);
  log(status >= 500 ? 'error' : 'debug', `${request.method} ${request.url}`, { status, error: message });
  if (response.headersSent || !response.socket) {
    // What was promised cannot be kept: a broken stream says so.
    (response.socket ?? request.socket).destroy();
    return;
  }
  if (status === 304 || request.method === 'HEAD') {
    response.writeHead(status);
    response.end();
    return;
  }
  const text = Buffer.from(`${JSON.stringify({ message })}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length });
  response.end(text);
}

/** After an upgrade Node leaves the body to us. It is as long as the header says. */
function bodyBehind(request: IncomingMessage, socket: Socket, head: Buffer): Readable {
  const length = Number(request.headers['content-length'] ?? 0);
  const body = new PassThrough();
  if (head.length > 0) socket.unshift(head);
  if (!Number.isSafeInteger(length) || length < 0) {
    body.destroy(badRequest('invalid Content-Length'));
    return body;
  }
  let missing = length;
  const take = () => {
    while (missing > 0) {
      const piece = (socket.read(Math.min(missing, socket.readableLength || missing)) ?? socket.read()) as Buffer | null;
      if (piece === null) return;
      body.write(piece.subarray(0, missing));
      if (piece.length > missing) socket.unshift(piece.subarray(missing));
      missing = Math.max(0, missing - piece.length);
    }
    socket.off('readable', take);
    body.end();
  };
  if (missing === 0) body.end();
  else {
    socket.on('readable', take);
    socket.on('close', () => missing > 0 && body.destroy(new Error('the client went away')));
    take();
  }
  return body;
}
