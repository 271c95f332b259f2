/** `docker import URL`: the daemon fetches the archive itself. */
import type { Readable } from 'node:stream';
import { closeAgents, openAgents, readBody } from '../../containerd/registry/http-request.ts';
import { proxiesOf } from '../../containerd/registry/proxy.ts';
import { follow } from '../../containerd/registry/redirect.ts';
import { badRequest, serverError } from '../http/api-error.ts';

/** Bytes of an error's text that anybody will read. */
const MAX_ERROR = 4096;

export interface ImportSource {
  tar: Readable;
  close(): void;
}

/**
 * @param source without a scheme it is http, as in Docker
 * @throws 400 for what is no URL; 500 when it cannot be fetched
 */
export async function openImportSource(source: string, signal: AbortSignal): Promise<ImportSource> {
  const text = source.includes('://') ? source : `http://${source}`;
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw badRequest(`fromSrc ${JSON.stringify(source)}: want -, or a URL of http or https`);
  const agents = openAgents({}, proxiesOf(process.env));
  try {
    const incoming = await follow(agents, { method: 'GET', url: new URL(text), signal });
    if (incoming.status >= 400) {
      const said = await readBody(incoming, MAX_ERROR).catch(() => Buffer.alloc(0));
      throw serverError(
        `failed to GET ${text} with status ${incoming.status} ${incoming.body.statusMessage ?? ''}: ${said.toString().trim()}`,
      );
    }
    return { tar: incoming.body, close: () => closeAgents(agents) };
  } catch (error) {
    closeAgents(agents);
    throw error;
  }
}
