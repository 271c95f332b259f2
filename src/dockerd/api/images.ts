/** Images that are here: ls, inspect, history, tag, rmi, prune. */
import * as v from 'valibot';
import { normalizePlatform, type Platform } from '../../containerd/registry/platform.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { describeIssue } from '../http/body.ts';
import { type Call, since } from '../http/call.ts';
import { text } from '../http/fields.ts';
import { filters, flag, type Query } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { historyOf } from '../image/history.ts';
import { inspectImage } from '../image/inspect.ts';
import { LIST_FILTERS, listImages } from '../image/list.ts';
import { manifestsOf } from '../image/manifests.ts';
import { PRUNE_FILTERS, pruneImages } from '../image/prune.ts';
import { repositoryTag } from '../image/reference.ts';
import { removeImage, usersOf } from '../image/remove.ts';
import { tagImage } from '../image/tag.ts';

const PLATFORM = v.object({ os: v.string(), architecture: v.string(), variant: text, 'os.version': text });

/** `platform={"os":"linux","architecture":"arm64"}`. @throws 400 */
export function platformOf(query: Query): Platform | undefined {
  const given = query.get('platform');
  if (!given) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    throw badRequest(`failed to parse platform: ${JSON.stringify(given)} is not JSON`);
  }
  const result = v.safeParse(PLATFORM, value);
  if (!result.success) throw badRequest(`failed to parse platform: ${describeIssue(result.issues[0])}`);
  const { os, architecture, variant } = result.output;
  return normalizePlatform({ os, architecture, ...(variant ? { variant } : {}) });
}

const nameIn = ({ params }: Call): string => params.name as string;

export function imageRoutes(daemon: Daemon): Route[] {
  const { images, stores, snapshotter } = daemon;
  const { content } = stores;
  const parts = { images, content, usersOf: (id: string) => usersOf(daemon, { id }).map((user) => user.id) };
  return [
    route('GET', '/images/json', async (call) => {
      const given = new Map(filters(call.query, LIST_FILTERS));
      const old = call.query.get('filter');
      if (old && !since(call, 41)) given.set('reference', [...(given.get('reference') ?? []), old]);
      const list = await listImages(parts, {
        filters: given,
        sharedSize: since(call, 42) && flag(call.query, 'shared-size'),
        manifests: since(call, 47) && flag(call.query, 'manifests'),
      });
      call.reply(
        200,
        list.map(({ Descriptor, ...summary }) => {
          const none = !since(call, 43) && summary.RepoTags.length === 0 && summary.RepoDigests.length === 0;
          return {
            ...summary,
            ...(none ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] } : {}),
            ...(since(call, 44) ? {} : { VirtualSize: summary.Size }),
            ...(since(call, 48) ? { Descriptor } : {}),
          };
        }),
      );
    }),
    route('POST', '/images/prune', async (call) => call.reply(200, await pruneImages(daemon, filters(call.query, PRUNE_FILTERS)))),
    route('GET', '/images/{name...}/json', async (call) => {
      const wanted = since(call, 48) && flag(call.query, 'manifests');
      const platform = since(call, 49) ? platformOf(call.query) : undefined;
      if (wanted && platform) throw badRequest('conflicting options: manifests and platform options cannot both be set');
      const image = await images.withNames(await images.get(nameIn(call), platform));
      const manifests = wanted ? await manifestsOf(parts, image) : undefined;
      const options = { minor: call.version[1], size: await images.size(image), snapshotter, ...(manifests ? { manifests } : {}) };
      call.reply(200, await inspectImage(content, image, options));
    }),
    route('GET', '/images/{name...}/history', async (call) => {
      const platform = since(call, 48) ? platformOf(call.query) : undefined;
      const image = await images.withNames(await images.get(nameIn(call), platform));
      call.reply(200, historyOf(image, await images.layers(image)));
    }),
    route('POST', '/images/{name...}/tag', async (call) => {
      const name = repositoryTag(call.query.get('repo'), call.query.get('tag'));
      if (!name) throw badRequest('invalid reference format: the parameter repo is missing');
      await tagImage(daemon, await images.get(nameIn(call)), name);
      call.empty(201);
    }),
    route('DELETE', '/images/{name...}', async (call) =>
      call.reply(200, await removeImage(daemon, nameIn(call), flag(call.query, 'force'))),
    ),
  ];
}
