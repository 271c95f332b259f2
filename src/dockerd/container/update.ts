/** `docker update`: other limits for a container, also one that runs, and another restart policy. */
import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { ConnectError } from '@connectrpc/connect';
import type { Daemon } from '../daemon.ts';
import { conflict, serverError } from '../http/api-error.ts';
import type { UpdateRequest } from './config.ts';
import type { Container } from './containers.ts';
import { isRunning } from './record.ts';
import { readHostDevices } from './spec/devices.ts';
import { updateResources } from './spec/update-resources.ts';
import { hasEnded } from './task.ts';

/** What containerd calls limits in a message. */
const RESOURCES = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';

/**
 * The limits of a container that runs change at once; where that fails, nothing is kept of the request.
 * @throws 400, 409; 500 in the runtime's words
 */
export const updateContainer = (daemon: Daemon, container: Container, request: UpdateRequest): Promise<{ Warnings: string[] }> =>
  container.locked(async () => {
    const { record, id } = container;
    if (record.State.Status === 'removing' || record.State.Status === 'dead')
      throw conflict(`Cannot update container ${id}: container is marked for removal and cannot be "update"`);
    const { hostConfig, resources, warnings } = updateResources(record, request, daemon.facts, readHostDevices(request));
    if (isRunning(record) && record.State.Status !== 'restarting' && Object.keys(resources).length > 0) {
      const value = Buffer.from(JSON.stringify(resources));
      try {
        await daemon.clients.tasks.update({ containerId: id, resources: create(AnySchema, { typeUrl: RESOURCES, value }) });
      } catch (error) {
        // One that has just ended takes them with its next start.
        if (!hasEnded(error))
          throw serverError(`Cannot update container ${id}: ${error instanceof ConnectError ? error.rawMessage : String(error)}`, error);
      }
    }
    record.HostConfig = hostConfig;
    container.save();
    container.tell('update');
    return { Warnings: warnings };
  });
