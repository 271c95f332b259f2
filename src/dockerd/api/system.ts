/** What the daemon is and has: ping, version, info, disk usage. */
import type { Daemon } from '../daemon.ts';
import { type Call, since } from '../http/call.ts';
import { type Route, route } from '../http/router.ts';
import { kindsOf, openDiskUsage } from '../system/disk-usage.ts';
import { describeInfo, infoFacts } from '../system/info.ts';
import { describeVersion } from '../system/version.ts';

function ping({ request, response }: Call): void {
  const headers = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    // The old builder; clients would try BuildKit where it says 2.
    'Builder-Version': '1',
    Swarm: 'inactive',
  };
  const isHead = request.method === 'HEAD';
  response.writeHead(200, { ...headers, 'Content-Length': isHead ? 0 : 2 });
  response.end(isHead ? undefined : 'OK');
}

export function systemRoutes(daemon: Daemon): Route[] {
  const usage = openDiskUsage(daemon);
  return [
    route('HEAD', '/_ping', ping),
    route('GET', '/_ping', ping),
    route('GET', '/version', async (call) => call.reply(200, await describeVersion(daemon))),
    route('GET', '/info', async (call) => call.reply(200, describeInfo(await infoFacts(daemon), call.version[1]))),
    route('GET', '/system/df', async (call) => {
      // The parameter came with version 1.42.
      const kinds = kindsOf(since(call, 42) ? call.query : new URLSearchParams());
      call.reply(200, await usage.of(kinds, call.version[1]));
    }),
  ];
}
