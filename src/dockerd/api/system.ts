/** What the daemon is: ping, version. */
import { arch, release } from 'node:os';
import type { Daemon } from '../daemon.ts';
import type { Call } from '../http/call.ts';
import { API_VERSION, MIN_API_VERSION, type Route, route } from '../http/router.ts';
import { DAEMON_VERSION } from '../version.ts';

const GO_ARCH: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

export function systemRoutes(daemon: Daemon): Route[] {
  const ping = ({ request, response }: Call) => {
    const headers = {
      'Content-Type': 'text/plain; charset=utf-8',
      'Cache-Control': 'no-cache, no-store, must-revalidate',
      Pragma: 'no-cache',
    };
    response.writeHead(200, request.method === 'HEAD' ? { ...headers, 'Content-Length': 0 } : headers);
    response.end(request.method === 'HEAD' ? undefined : 'OK');
  };
  return [
    route('HEAD', '/_ping', ping),
    route('GET', '/_ping', ping),
    route('GET', '/version', async (call) => {
      const { version: containerd, revision } = await daemon.clients.version.version({});
      const details = {
        ApiVersion: API_VERSION,
        Arch: GO_ARCH[arch()] ?? arch(),
        KernelVersion: release(),
        MinAPIVersion: MIN_API_VERSION,
        Os: 'linux',
      };
      call.reply(200, {
        Platform: { Name: 'minirun' },
        Components: [
          { Name: 'Engine', Version: DAEMON_VERSION, Details: details },
          { Name: 'containerd', Version: containerd, Details: { GitCommit: revision } },
        ],
        Version: DAEMON_VERSION,
        ...details,
        GitCommit: '',
        GoVersion: `node ${process.version}`,
        BuildTime: '',
      });
    }),
  ];
}
