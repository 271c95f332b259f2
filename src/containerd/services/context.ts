/** What the services share: the stores, the events, the collector. */
import type { Exchange } from '../events/exchange.ts';
import type { Collector } from '../gc/collector.ts';
import type { Log } from '../log.ts';
import type { NamespacedContent } from '../metadata/content.ts';
import type { Records } from '../metadata/records.ts';
import type { NamespacedSnapshots } from '../metadata/snapshots.ts';
import type { RunningTasks } from '../tasks/tasks.ts';

export interface Services {
  root: string;
  /** Snapshotters that do not work here. */
  unusable: { name: string; reason: string }[];
  records: Records;
  content: NamespacedContent;
  /** By the name of the snapshotter. */
  snapshots: Map<string, NamespacedSnapshots>;
  events: Exchange;
  collector: Collector;
  tasks: RunningTasks;
  log: Log;
}
