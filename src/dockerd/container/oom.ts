/** What containerd tells of containers that have run out of memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { textOf } from '../../containerd/log.ts';
import { TaskOOMSchema } from '../../proto/containerd/events/task_pb.ts';
import type { Daemon } from '../daemon.ts';

const TOPIC = '/tasks/oom';
const AGAIN_MS = 1000;

/** Listens until the signal is aborted. A containerd that is restarted is found again. */
export async function watchMemory({ clients, containers, log }: Daemon, signal: AbortSignal): Promise<void> {
  const filters = [`topic==${JSON.stringify(TOPIC)},namespace==${clients.namespace}`];
  while (!signal.aborted) {
    try {
      for await (const { event } of clients.events.subscribe({ filters }, { signal })) {
        if (!event) continue;
        const container = containers.find(fromBinary(TaskOOMSchema, event.value).containerId);
        if (!container?.running) continue;
        container.record.State.OOMKilled = true;
        container.note();
        container.tell('oom');
      }
    } catch (error) {
      if (!signal.aborted) log('warn', 'events of containerd cannot be heard', { error: textOf(error) });
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}
