/** Images in and out: pull, push, import, load, save. */
import { pipeline } from 'node:stream/promises';
import { type Platform, parsePlatform } from '../../containerd/registry/platform.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { lent } from '../http/body.ts';
import { type Call, since } from '../http/call.ts';
import { streamed } from '../http/messages.ts';
import { flag } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { importImage } from '../image/import.ts';
import { openImportSource } from '../image/import-source.ts';
import { loadImages } from '../image/load.ts';
import { pullImage } from '../image/pull.ts';
import { pushImage } from '../image/push.ts';
import { repositoryTag, withTagOrDigest } from '../image/reference.ts';
import { registrySettings, requestCredentials } from '../image/registry-settings.ts';
import { saveImages } from '../image/save.ts';
import { platformOf } from './images.ts';

/** `linux/arm64` @throws 400 */
function namedPlatform({ query }: Call): Platform | undefined {
  const text = query.get('platform');
  return text ? parsePlatform(text) : undefined;
}

export function imageTransferRoutes(daemon: Daemon): Route[] {
  const settings = registrySettings(daemon.options);
  const { downloads, uploads } = daemon.options.transfers;

  const pull = (call: Call, name: string) => {
    // `docker pull -a` may end it with a colon.
    const reference = withTagOrDigest(name.replace(/:$/, ''), call.query.get('tag'));
    const request = {
      reference,
      platform: namedPlatform(call),
      credentials: requestCredentials(call.request),
      settings,
      parallel: downloads,
      signal: call.signal,
    };
    return streamed(call, (messages) => pullImage(daemon, request, messages));
  };

  const importing = (call: Call) => {
    const { query } = call;
    const source = query.get('fromSrc') ?? '';
    if (source === '') throw badRequest('neither fromImage nor fromSrc is given');
    const name = repositoryTag(query.get('repo'), query.get('tag'));
    const request = {
      name,
      changes: query.getAll('changes'),
      message: query.get('message') || `Imported from ${source}`,
      platform: namedPlatform(call),
    };
    return streamed(call, async (messages) => {
      const from = source === '-' ? { tar: lent(call.body), close: () => undefined } : await openImportSource(source, call.signal);
      try {
        messages.send({ status: await importImage(daemon, { ...request, tar: from.tar }) });
      } finally {
        from.close();
      }
    });
  };

  const save = async (call: Call, names: string[]) => {
    const platform = since(call, 48) ? platformOf(call.query) : undefined;
    const tar = await saveImages(daemon, names, platform);
    await pipeline(tar, call.stream('application/x-tar')).catch((error: unknown) => {
      if (!call.signal.aborted) throw error;
    });
  };

  return [
    route('POST', '/images/create', (call) => {
      const name = call.query.get('fromImage');
      return name ? pull(call, name) : importing(call);
    }),
    route('POST', '/images/{name...}/push', (call) => {
      const reference = withTagOrDigest(call.params.name as string, call.query.get('tag'));
      if (reference.digest !== undefined) throw badRequest('cannot push a digest reference');
      const platform = since(call, 46) ? platformOf(call.query) : undefined;
      const request = {
        reference,
        platform,
        credentials: requestCredentials(call.request),
        settings,
        parallel: uploads,
        signal: call.signal,
      };
      return streamed(call, (messages) => pushImage(daemon, request, messages));
    }),
    route('POST', '/images/load', (call) => {
      const platform = since(call, 48) ? platformOf(call.query) : undefined;
      const quiet = flag(call.query, 'quiet', false);
      return streamed(call, (messages) => loadImages(daemon, { tar: lent(call.body), quiet, platform }, messages));
    }),
    route('GET', '/images/get', (call) => save(call, call.query.getAll('names'))),
    route('GET', '/images/{name...}/get', (call) => save(call, [call.params.name as string])),
  ];
}
