/** containerd as a whole: its stores opened, its services put together. Who serves them is another matter. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectRouter } from '@connectrpc/connect';
import { Containers } from '../proto/containerd/services/containers/v1/containers_pb.ts';
import { Content } from '../proto/containerd/services/content/v1/content_pb.ts';
import { Diff } from '../proto/containerd/services/diff/v1/diff_pb.ts';
import { Events as ShimEvents } from '../proto/containerd/services/events/ttrpc/v1/events_pb.ts';
import { Events } from '../proto/containerd/services/events/v1/events_pb.ts';
import { Images } from '../proto/containerd/services/images/v1/images_pb.ts';
import { Introspection } from '../proto/containerd/services/introspection/v1/introspection_pb.ts';
import { Leases } from '../proto/containerd/services/leases/v1/leases_pb.ts';
import { Namespaces } from '../proto/containerd/services/namespaces/v1/namespace_pb.ts';
import { Snapshots } from '../proto/containerd/services/snapshots/v1/snapshots_pb.ts';
import { Tasks } from '../proto/containerd/services/tasks/v1/tasks_pb.ts';
import { Version } from '../proto/containerd/services/version/v1/version_pb.ts';
import { Health } from '../proto/grpc/health/v1/health_pb.ts';
import { openContent } from './content/store.ts';
import { openExchange } from './events/exchange.ts';
import { openCollector } from './gc/collector.ts';
import type { Log } from './log.ts';
import { namespacedContent } from './metadata/content.ts';
import { openRecords } from './metadata/records.ts';
import { forgetLost, namespacedSnapshots } from './metadata/snapshots.ts';
import { containersService } from './services/containers.ts';
import { contentService } from './services/content.ts';
import type { Services } from './services/context.ts';
import { diffService } from './services/diff.ts';
import { eventsService, shimEventsService } from './services/events.ts';
import { imagesService } from './services/images.ts';
import { introspectionService } from './services/introspection.ts';
import { leasesService } from './services/leases.ts';
import { namespacesService } from './services/namespaces.ts';
import { snapshotsService } from './services/snapshots.ts';
import { tasksService } from './services/tasks.ts';
import { healthService, versionService } from './services/version.ts';
import { openSnapshotters } from './snapshots/open.ts';
import { openRunningTasks } from './tasks/tasks.ts';

export interface ContainerdOptions {
  /** What has to last; containerd's is /var/lib/containerd. */
  root: string;
  /** What is gone after a reboot; containerd's is /run/containerd. */
  state: string;
  /** Where clients find it, for shims that ask. */
  address: string;
  /** The program that was started, and its own folders of shims. */
  program: string;
  shimFolders: string[];
  /** Programs of shims by the runtime's name, before all that is looked for. */
  shims?: Record<string, string>;
  log: Log;
  /** The shims' own lines, as they come. */
  writeLog(text: string): void;
  debug: boolean;
}

export interface Containerd {
  /** The gRPC services. */
  routes(router: ConnectRouter): void;
  /** What shims call over ttrpc. */
  shimRoutes(router: ConnectRouter): void;
  /** The same, for who has it in its own process. */
  services: Services;
  log: Log;
  /** Goes on with the tasks of an earlier daemon; to be called when their shims can reach this one. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Opens everything below root and state; one process at a time may have them open. */
export async function openContainerd(options: ContainerdOptions): Promise<Containerd> {
  const { root, state, log } = options;
  for (const folder of [root, state]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  const store = openContent(join(root, 'io.containerd.content.v1.content'));
  const records = openRecords(join(root, 'io.containerd.metadata.v1.lmdb', 'meta.lmdb'));
  const { snapshotters, unusable } = await openSnapshotters(root);
  for (const { name, reason } of unusable) log('warn', 'snapshotter cannot be used', { name, reason });
  for (const snapshotter of snapshotters) forgetLost(records, snapshotter);
  const content = namespacedContent(records, store);
  const seen = snapshotters.map((snapshotter) => ({ snapshotter, snapshots: namespacedSnapshots(records, snapshotter) }));
  const events = openExchange();
  const collector = openCollector({ records, store, content, snapshotters: seen }, (error) =>
    log('error', 'garbage collection failed', { error }),
  );
  const snapshots = new Map(seen.map(({ snapshotter, snapshots }) => [snapshotter.name, snapshots]));
  const { address, program, shimFolders, shims = {}, debug, writeLog } = options;
  const tasks = openRunningTasks({ root, state, events, log, writeLog, caller: { address, program, shimFolders, shims, debug } });
  const services: Services = { root, unusable, records, content, snapshots, events, collector, tasks, log };
  // What a killed daemon left behind.
  collector.schedule();

  return {
    services,
    log,
    routes(router) {
      router
        .service(Version, versionService())
        .service(Health, healthService())
        .service(Namespaces, namespacesService(services))
        .service(Containers, containersService(services))
        .service(Images, imagesService(services))
        .service(Content, contentService(services))
        .service(Diff, diffService(services))
        .service(Snapshots, snapshotsService(services))
        .service(Leases, leasesService(services))
        .service(Events, eventsService(events))
        .service(Tasks, tasksService(services))
        .service(Introspection, introspectionService(services));
    },
    shimRoutes: (router) => void router.service(ShimEvents, shimEventsService(events)),
    restore: tasks.restore,
    async close() {
      tasks.close();
      await collector.close();
      for (const snapshotter of snapshotters) await snapshotter.close();
      await records.close();
    },
  };
}
