/** `docker commit`. */
import { commitContainer } from '../container/commit.ts';
import { containerConfig } from '../container/config.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { flag } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { repositoryTag } from '../image/reference.ts';

export const commitRoutes = (daemon: Daemon): Route[] => [
  route('POST', '/commit', async (call) => {
    const { query } = call;
    const reference = query.get('container') ?? '';
    if (reference === '') throw badRequest('bad parameter: container cannot be empty');
    const config = await call.json(containerConfig);
    const said = Object.values(config).some((value) => value !== undefined);
    const id = await commitContainer(daemon, daemon.containers.get(reference), {
      name: repositoryTag(query.get('repo'), query.get('tag')),
      author: query.get('author') ?? '',
      comment: query.get('comment') ?? '',
      changes: query.getAll('changes'),
      config: said ? config : undefined,
      pause: flag(query, 'pause', true),
    });
    call.reply(201, { Id: id });
  }),
];
