/** Containers: made, listed, looked at, and changed. */
import { createRequest, updateRequest } from '../container/config.ts';
import { createContainer } from '../container/create.ts';
import { inspectContainer } from '../container/inspect.ts';
import { kill } from '../container/kill.ts';
import { listContainers } from '../container/list.ts';
import { pause, unpause } from '../container/pause.ts';
import { removeContainer } from '../container/remove.ts';
import { rename } from '../container/rename.ts';
import { forVersion } from '../container/spec/api-version.ts';
import { startContainer } from '../container/start.ts';
import { restartContainer, type StopOptions, stopContainer } from '../container/stop.ts';
import { updateContainer } from '../container/update.ts';
import { parseCondition, waitFor } from '../container/wait.ts';
import type { Daemon } from '../daemon.ts';
import { ApiError, badRequest } from '../http/api-error.ts';
import { type Call, since } from '../http/call.ts';
import { flag, integer } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';

export function containerRoutes(daemon: Daemon): Route[] {
  const { containers } = daemon;
  const named = ({ params }: Call) => containers.get(params.id as string);
  const stopOptions = (call: Call): StopOptions => ({
    timeout: integer(call.query, 't'),
    signal: since(call, 42) ? (call.query.get('signal') ?? undefined) : undefined,
  });
  return [
    route('GET', '/containers/json', async (call) => call.reply(200, await listContainers(daemon, call.query))),
    route('POST', '/containers/create', async (call) => {
      const { HostConfig = {}, NetworkingConfig = {}, ...rest } = await call.json(createRequest);
      const { config, hostConfig } = forVersion(rest, HostConfig, call.version, daemon.facts);
      const [name, platform] = [call.query.get('name') ?? '', call.query.get('platform') ?? ''];
      const request = { config, hostConfig, networking: NetworkingConfig, name, platform, minor: call.version[1] };
      call.reply(201, await createContainer(daemon, request as Parameters<typeof createContainer>[1]));
    }),
    route('GET', '/containers/{id}/json', async (call) =>
      call.reply(200, await inspectContainer(daemon, named(call), { size: flag(call.query, 'size'), minor: call.version[1] })),
    ),
    route('POST', '/containers/{id}/start', async (call) => call.empty((await startContainer(daemon, named(call))) ? 204 : 304)),
    route('POST', '/containers/{id}/stop', async (call) =>
      call.empty((await stopContainer(daemon, named(call), stopOptions(call))) ? 204 : 304),
    ),
    route('POST', '/containers/{id}/restart', async (call) => {
      await restartContainer(daemon, named(call), stopOptions(call));
      call.empty(204);
    }),
    route('POST', '/containers/{id}/kill', async (call) => {
      await kill(daemon, named(call), call.query.get('signal') ?? undefined);
      call.empty(204);
    }),
    route('POST', '/containers/{id}/pause', async (call) => {
      await pause(daemon, named(call));
      call.empty(204);
    }),
    route('POST', '/containers/{id}/unpause', async (call) => {
      await unpause(daemon, named(call));
      call.empty(204);
    }),
    route('POST', '/containers/{id}/rename', async (call) => {
      await rename(daemon, named(call), call.query.get('name') ?? '');
      call.empty(204);
    }),
    route('POST', '/containers/{id}/update', async (call) => {
      const request = await call.json(updateRequest);
      call.reply(200, await updateContainer(daemon, named(call), request));
    }),
    route('POST', '/containers/{id}/resize', async (call) => {
      const container = named(call);
      const [height, width] = [integer(call.query, 'h') ?? 0, integer(call.query, 'w') ?? 0];
      if (height < 0 || width < 0) throw badRequest(`invalid size: ${height} x ${width}`);
      if (!container.running) throw new ApiError(409, `Container ${container.id} is not running`);
      await daemon.clients.tasks.resizePty({ containerId: container.id, width, height });
      container.tell('resize', { height: String(height), width: String(width) });
      call.empty(200);
    }),
    route('POST', '/containers/{id}/wait', (call) => wait(call, named(call))),
    route('DELETE', '/containers/{id}', async (call) => {
      if (flag(call.query, 'link')) throw badRequest('links between containers are not supported');
      await removeContainer(daemon, named(call), { force: flag(call.query, 'force'), volumes: flag(call.query, 'v') });
      call.empty(204);
    }),
  ];
}

/** The header goes out at once: the client starts the container only when it has that, so as not to miss its end. */
async function wait(call: Call, container: ReturnType<Daemon['containers']['get']>): Promise<void> {
  const waiting = waitFor(container, parseCondition(call.query.get('condition') ?? ''), call.signal);
  const response = call.stream();
  try {
    response.end(`${JSON.stringify(await waiting)}\n`);
  } catch {
    response.destroy();
  }
}
