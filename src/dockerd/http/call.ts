/** One request to the API, as its handler sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type * as v from 'valibot';
import { readJson } from './body.ts';
import type { Query } from './query.ts';

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The parts of the path that the route names, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  /** Of the API, as the client asked for it: [1, 41]. */
  readonly version: readonly [major: number, minor: number];
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
  /** The body as it comes. */
  readonly body: Readable;
  /** The body as checked JSON. @throws 400 */
  json<S extends v.GenericSchema>(schema: S): Promise<v.InferOutput<S>>;
  /** Answers with JSON. */
  reply(status: number, value: unknown): void;
  /** Answers without a body. */
  empty(status: number): void;
  /** Sends the header at once; the caller writes and ends the body. A stream of JSON lines unless said otherwise. */
  stream(contentType?: string): ServerResponse;
  /**
   * Takes the connection over: 101 for a client that asked for it, a bare 200 for an older one.
   * The other side may close its half and still read. The caller ends it.
   */
  hijack(contentType?: string): Duplex;
}

export type Handler = (call: Call) => Promise<void> | void;

/** Whether the client's version of the API is at least this one of major version 1. */
export const since = (call: Call, minor: number): boolean => call.version[1] >= minor;

export interface CallParts {
  request: IncomingMessage;
  response: ServerResponse;
  params: Record<string, string>;
  query: Query;
  version: readonly [number, number];
  body: Readable;
  /** Bytes that came behind the header of a request that asks for an upgrade. */
  upgrade: boolean;
}

const RAW_STREAM = 'application/vnd.docker.raw-stream';

export function openCall({ request, response, params, query, version, body, upgrade }: CallParts): Call {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client went away'));
  });
  return {
    request,
    response,
    params,
    query,
    version,
    signal: gone.signal,
    body,
    json: (schema) => readJson(schema, body),
    reply(status, value) {
      const text = Buffer.from(`${JSON.stringify(value)}\n`);
      response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length });
      response.end(text);
    },
    empty(status) {
      response.writeHead(status);
      response.end();
    },
    stream(contentType = 'application/json') {
      response.writeHead(200, { 'Content-Type': contentType });
      response.flushHeaders();
      return response;
    },
    hijack(contentType = RAW_STREAM) {
      const socket = request.socket;
      response.detachSocket(socket);
      socket.setTimeout(0);
      const status = upgrade ? 'HTTP/1.1 101 UPGRADED' : 'HTTP/1.1 200 OK';
      const more = upgrade ? 'Connection: Upgrade\r\nUpgrade: tcp\r\n' : '';
      socket.write(`${status}\r\nContent-Type: ${contentType}\r\n${more}\r\n`);
      return socket;
    },
  };
}
