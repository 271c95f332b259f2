/** Tidying up: what containers and builds have left. Networks, volumes and images have it beside their other routes. */
import { PRUNE_FILTERS, pruneContainers } from '../container/prune.ts';
import type { Daemon } from '../daemon.ts';
import { conflict } from '../http/api-error.ts';
import { filters } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';

/** Of BuildKit, of whose cache there is nothing here. */
const BUILD_FILTERS = ['until', 'id', 'parent', 'type', 'description', 'inuse', 'shared', 'private', 'unused-for', 'keep-storage', 'label'];

export function pruneRoutes(daemon: Daemon): Route[] {
  let pruning = false;
  return [
    route('POST', '/containers/prune', async (call) => {
      const wanted = filters(call.query, PRUNE_FILTERS);
      if (pruning) throw conflict('a prune operation is already running');
      pruning = true;
      try {
        call.reply(200, await pruneContainers(daemon, wanted));
      } finally {
        pruning = false;
      }
    }),
    route('POST', '/build/prune', (call) => {
      filters(call.query, BUILD_FILTERS);
      daemon.events.publish('builder', 'prune', '', { reclaimed: '0' });
      call.reply(200, { CachesDeleted: null, SpaceReclaimed: 0 });
    }),
  ];
}
