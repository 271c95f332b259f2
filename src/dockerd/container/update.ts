/** `docker update`: other limits for a container, also one that runs, and another restart policy. */
import type { Daemon } from '../daemon.ts';
import { notImplemented } from '../http/api-error.ts';
import type { UpdateRequest } from './config.ts';
import type { Container } from './containers.ts';

export async function updateContainer(_daemon: Daemon, _container: Container, _request: UpdateRequest): Promise<{ Warnings: string[] }> {
  throw notImplemented('update: not there yet');
}
