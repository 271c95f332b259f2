/** A request whose story is told, with all that its handler does because of it. Loaded only where somebody listens. */
import { Readable } from 'node:stream';
import { fieldsOf, receivedRequest } from '../../messages/http.ts';
import { readAll } from './body.ts';
import { type CallParts, type Handler, openCall } from './call.ts';

/** @param path of the request, with its version */
export async function handleTold(handler: Handler, parts: CallParts, path: string): Promise<void> {
  const { request, response, query, body } = parts;
  const from = request.headers['user-agent']?.startsWith('Docker-Client/') ? 'docker' : 'minirun';
  const name = `${request.method} ${path.replace(/^\/v\d+\.\d+/, '')}`;
  const isJson = request.headers['content-type']?.startsWith('application/json') === true;
  const text = isJson ? await readAll(body) : Buffer.alloc(0);
  // It has been read: the handler gets it once more.
  const call = openCall(isJson ? { ...parts, body: Readable.from([text]) } : parts);
  const carries = { ...fieldsOf(Object.fromEntries(query)), ...fieldsOf(jsonOf(text)) };
  const seam = { from, to: 'dockerd', protocol: 'HTTP' };
  await receivedRequest(
    { ...seam, name, carries },
    async () => handler(call),
    () => response.statusCode,
  );
}

const jsonOf = (text: Buffer): unknown => {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    // Its handler says what is wrong.
    return undefined;
  }
};
