/** A listener in the place of a Docker daemon, that keeps what the real client asks for and makes nothing. */
import { createServer } from 'node:http';

export interface KeptRequests {
  /** Bodies of POST /containers/create so far. */
  creates: unknown[];
  close(): Promise<void>;
}

/** @param socket path of its socket @param version of the API that it claims to speak */
export async function keptRequests(socket: string, version: string): Promise<KeptRequests> {
  const creates: unknown[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    response.setHeader('Api-Version', version);
    response.setHeader('Ostype', 'linux');
    response.setHeader('Content-Type', 'application/json');
    if (!request.url?.includes('/containers/create')) return void response.end(request.method === 'HEAD' ? undefined : 'OK');
    creates.push(JSON.parse(Buffer.concat(pieces).toString()));
    response.writeHead(500).end('{"message":"kept"}');
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return { creates, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
