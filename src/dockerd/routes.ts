/** All of the API: one file for each kind of thing. */
import { systemRoutes } from './api/system.ts';
import type { Daemon } from './daemon.ts';
import type { Route } from './http/router.ts';

export const routesOf = (daemon: Daemon): Route[] => [...systemRoutes(daemon)];
