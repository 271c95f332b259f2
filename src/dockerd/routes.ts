/** All of the API: one file for each kind of thing. */
import { buildKitRoutes, pluginRoutes, swarmRoutes } from './api/absent.ts';
import { attachRoutes } from './api/attach.ts';
import { commitRoutes } from './api/commit.ts';
import { containerFileRoutes } from './api/container-files.ts';
import { containerRoutes } from './api/containers.ts';
import { eventRoutes } from './api/events.ts';
import { execRoutes } from './api/exec.ts';
import { imageTransferRoutes } from './api/image-transfer.ts';
import { imageRoutes } from './api/images.ts';
import { logsRoutes } from './api/logs.ts';
import { networkRoutes } from './api/networks.ts';
import { pruneRoutes } from './api/prune.ts';
import { registryRoutes } from './api/registry.ts';
import { systemRoutes } from './api/system.ts';
import { usageRoutes } from './api/usage.ts';
import { volumeRoutes } from './api/volumes.ts';
import type { Daemon } from './daemon.ts';
import type { Route } from './http/router.ts';

export const routesOf = (daemon: Daemon): Route[] => [
  ...systemRoutes(daemon),
  ...eventRoutes(daemon),
  ...networkRoutes(daemon),
  ...containerRoutes(daemon),
  ...containerFileRoutes(daemon),
  ...commitRoutes(daemon),
  ...attachRoutes(daemon),
  ...execRoutes(daemon),
  ...logsRoutes(daemon),
  ...usageRoutes(daemon),
  ...pruneRoutes(daemon),
  ...volumeRoutes(daemon),
  ...registryRoutes(daemon),
  ...imageRoutes(daemon),
  ...imageTransferRoutes(daemon),
  ...pluginRoutes(),
  ...swarmRoutes(),
  ...buildKitRoutes(),
];
