/** What containers are doing: stats, top. */
import { sendStats } from '../container/stats/stream.ts';
import { topOf } from '../container/top.ts';
import type { Daemon } from '../daemon.ts';
import type { Call } from '../http/call.ts';
import { type Route, route } from '../http/router.ts';

export function usageRoutes(daemon: Daemon): Route[] {
  const named = ({ params }: Call) => daemon.containers.get(params.id as string);
  return [
    route('GET', '/containers/{id}/stats', (call) => sendStats(daemon, named(call), call)),
    route('GET', '/containers/{id}/top', async (call) => {
      const container = named(call);
      const processes = await topOf(daemon, container, call.query.get('ps_args') ?? '');
      container.tell('top');
      call.reply(200, processes);
    }),
  ];
}
