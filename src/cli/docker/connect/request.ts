/** Requests that dockerode has no method for, or whose headers or streams its methods hide: on its own connection. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Connection } from './connect.ts';

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  /** undefined and empty values are left out; objects are sent as JSON. */
  query?: Record<string, unknown>;
  body?: object;
  /** A body that is sent as it comes, with its type. */
  upload?: { stream: NodeJS.ReadableStream; type: string };
  /** X-Registry-Auth, already encoded. */
  registryAuth?: string;
  signal?: AbortSignal;
}

/** Every answer below 300 is a success; 304 (nothing to do) is one too. */
const SUCCESS = { 200: true, 201: true, 204: true, 304: true, 101: true };

/** A name may hold what has a meaning in an address; slashes are left to images, which have them in their names. */
const encoded = (path: string): string =>
  path
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%3A', ':').replaceAll('%40', '@'))
    .join('/');

/** @param path without a query, and not encoded */
function dial<T>({ docker }: Connection, path: string, ask: Ask, more: object): Promise<T> {
  const { method = 'GET', query = {}, body, upload, registryAuth, signal } = ask;
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== '' && value !== false));
  const headers = {
    ...(registryAuth === undefined ? {} : { 'X-Registry-Auth': registryAuth }),
    ...(upload ? { 'Content-Type': upload.type } : {}),
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      {
        path: `${encoded(path)}?`,
        method,
        options: { _query: given, _body: body ?? {} },
        ...(upload ? { file: upload.stream } : {}),
        ...(Object.keys(headers).length > 0 ? { headers } : {}),
        ...(signal ? { abortSignal: signal } : {}),
        statusCodes: SUCCESS,
        ...more,
      },
      (error: unknown, answer: unknown) => (error ? reject(error) : resolve((Buffer.isBuffer(answer) ? textOf(answer) : answer) as T)),
    );
  });
}

/** docker-modem hands over as bytes what is no object: nothing, `null`, or text. */
function textOf(bytes: Buffer): string | null | undefined {
  const text = bytes.toString().trim();
  return text === '' ? undefined : text === 'null' ? null : text;
}

/** The answer's JSON. @throws AnswerError */
export const ask = <T>(connection: Connection, path: string, request: Ask = {}): Promise<T> => dial(connection, path, request, {});

/** The answer as soon as its headers are there. @throws AnswerError */
export const askStream = (connection: Connection, path: string, request: Ask = {}): Promise<IncomingMessage> =>
  dial(connection, path, request, { isStream: true });

/** The connection itself becomes a stream in both directions. @throws AnswerError */
export const hijack = (connection: Connection, path: string, request: Omit<Ask, 'upload'> = {}): Promise<Duplex> =>
  dial(
    connection,
    path,
    { ...request, method: 'POST' },
    {
      isStream: true,
      hijack: true,
      // An empty body of a known length: anything else could be taken for the first input of the container.
      ...(request.body ? {} : { file: Buffer.alloc(0), headers: { 'Content-Type': 'text/plain' } }),
    },
  );

/** `{ label: ['a=b'] }` from `label=a=b`, as `filters` wants it. */
export function filtersOf(given: readonly string[] = []): Record<string, string[]> | undefined {
  const filters: Record<string, string[]> = {};
  for (const text of given) {
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : text.slice(equals + 1).trim();
    const values = filters[name];
    if (values) values.push(value);
    else filters[name] = [value];
  }
  return Object.keys(filters).length > 0 ? filters : undefined;
}
