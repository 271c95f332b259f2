/** A registry in a few lines, that can be told to misbehave: what real ones do on bad days. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export const sha256 = (bytes: string | Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Answers in place of the registry, or returns false. */
export type Mischief = (seen: Seen, answer: ServerResponse) => boolean | Promise<boolean>;

export interface TinyRegistry {
  host: string;
  url: string;
  seen: Seen[];
  blobs: Map<string, Buffer>;
  /** by `repository:tag` and `repository@digest` */
  manifests: Map<string, { type: string; bytes: Buffer }>;
  mischief: Mischief | undefined;
  addBlob(bytes: string | Uint8Array): { digest: string; size: number };
  addManifest(
    repository: string,
    tag: string | undefined,
    type: string,
    value: unknown,
  ): { mediaType: string; digest: string; size: number };
  close(): Promise<void>;
}

export async function tinyRegistry(tls?: { key: string; cert: string }): Promise<TinyRegistry> {
  const blobs = new Map<string, Buffer>();
  const manifests: TinyRegistry['manifests'] = new Map();
  const uploads = new Map<string, Buffer>();
  const refuse = (answer: ServerResponse, status: number, code: string): unknown => {
    return answer
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));
  };
  const serve = (seen: Seen, answer: ServerResponse): unknown => {
    const { method, path, query, body, headers } = seen;
    if (path === '/v2/') return answer.end('{}');
    const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(path);
    if (manifest) {
      const [, repository, object = ''] = manifest;
      const key = object.includes(':') ? `${repository}@${object}` : `${repository}:${object}`;
      if (method === 'PUT') {
        const entry = { type: String(headers['content-type']), bytes: body };
        manifests.set(key, entry).set(`${repository}@${sha256(body)}`, entry);
        return answer.writeHead(201, { 'docker-content-digest': sha256(body) }).end();
      }
      const found = manifests.get(key);
      if (!found) return refuse(answer, 404, 'MANIFEST_UNKNOWN');
      answer.writeHead(200, {
        'content-type': found.type,
        'content-length': found.bytes.length,
        'docker-content-digest': sha256(found.bytes),
      });
      return answer.end(method === 'HEAD' ? undefined : found.bytes);
    }
    const upload = /^\/v2\/(.+)\/blobs\/uploads\/(.*)$/.exec(path);
    if (upload) {
      const [, repository, id = ''] = upload;
      if (method === 'POST') {
        const mount = query.get('mount');
        if (mount && blobs.has(mount)) return answer.writeHead(201).end();
        const fresh = randomUUID();
        uploads.set(fresh, Buffer.alloc(0));
        return answer.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${fresh}?state=x` }).end();
      }
      const sofar = uploads.get(id);
      if (!sofar || query.get('state') !== 'x') return refuse(answer, 404, 'BLOB_UPLOAD_UNKNOWN');
      if (method === 'DELETE') {
        uploads.delete(id);
        return answer.writeHead(204).end();
      }
      const whole = Buffer.concat([sofar, body]);
      uploads.set(id, whole);
      if (method === 'PATCH') return answer.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${id}?state=x` }).end();
      const digest = query.get('digest') ?? '';
      if (sha256(whole) !== digest) return refuse(answer, 400, 'DIGEST_INVALID');
      blobs.set(digest, whole);
      return answer.writeHead(201, { 'docker-content-digest': digest }).end();
    }
    const blob = blobs.get(/\/blobs\/(.+)$/.exec(path)?.[1] ?? '');
    if (!blob) return refuse(answer, 404, 'BLOB_UNKNOWN');
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    const rest = blob.subarray(start);
    const range = start > 0 ? { 'content-range': `bytes ${start}-${blob.length - 1}/${blob.length}` } : {};
    answer.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length, ...range });
    return answer.end(method === 'HEAD' ? undefined : rest);
  };
  const seen: Seen[] = [];
  const registry: Partial<TinyRegistry> = { seen, blobs, manifests, mischief: undefined };
  const handle = async (request: IncomingMessage, answer: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry: Seen = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    seen.push(entry);
    if (!(await registry.mischief?.(entry, answer))) serve(entry, answer);
  };
  const server: Server = tls ? createTlsServer(tls, handle) : createServer(handle);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(registry as TinyRegistry, {
    host,
    url: `${tls ? 'https' : 'http'}://${host}`,
    addBlob: (bytes: string | Uint8Array) => {
      const digest = sha256(bytes);
      blobs.set(digest, Buffer.from(bytes));
      return { digest, size: Buffer.byteLength(bytes) };
    },
    addManifest: (repository: string, tag: string | undefined, type: string, value: unknown) => {
      const bytes = Buffer.from(JSON.stringify(value));
      const entry = { type, bytes };
      const digest = sha256(bytes);
      manifests.set(`${repository}@${digest}`, entry);
      if (tag !== undefined) manifests.set(`${repository}:${tag}`, entry);
      return { mediaType: type, digest, size: bytes.length };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  });
}
