/** Garbage collection: records that nobody needs go first, in one transaction; then the bytes and folders that have no record. */
import { Code } from '@connectrpc/connect';
import type { ContentStore } from '../content/store.ts';
import { isCode, isNotFound } from '../errors.ts';
import type { NamespacedContent } from '../metadata/content.ts';
import { removeLease } from '../metadata/leases.ts';
import { type Records, wordsOf } from '../metadata/records.ts';
import type { NamespacedSnapshots } from '../metadata/snapshots.ts';
import type { Snapshotter } from '../snapshots/snapshotter.ts';
import { unneeded } from './mark.ts';

export interface Collected {
  records: Records;
  store: ContentStore;
  content: NamespacedContent;
  /** Each snapshotter, and how namespaces see it. */
  snapshotters: { snapshotter: Snapshotter; snapshots: NamespacedSnapshots }[];
}

export interface Collector {
  /** Soon: something was deleted. */
  schedule(): void;
  /** Now; resolves when all is gone from the disk. */
  collect(): Promise<void>;
  /** Waits for what is under way; nothing begins any more. */
  close(): Promise<void>;
}

/** Deletions come in rows; one collection is enough for them. */
const SOON_MS = 100;
/** How much of the time may go into looking for what is not needed, where deletions do not end: containerd's pause_threshold. */
const SHARE = 0.02;
/** But nobody waits longer than this for the space. */
const LONGEST_PAUSE_MS = 2000;
/** Leases and ingests expire without anybody doing anything. */
const LATER_MS = 10 * 60 * 1000;

/** @param failed is told when a collection that nobody waits for fails; the next one tries again */
export function openCollector(what: Collected, failed: (error: unknown) => void): Collector {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;
  /** Until when nothing begins by itself. */
  let pausedUntil = 0;
  const paused = (looked: number) => {
    pausedUntil = performance.now() + Math.min(looked / SHARE, LONGEST_PAUSE_MS);
  };
  const collect = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    // One after the other: a second one sees what the first has left.
    running = running.catch(() => undefined).then(() => (closed ? undefined : collectOnce(what, paused)));
    return running;
  };
  const schedule = () => {
    if (closed) return;
    timer ??= setTimeout(() => void collect().catch(failed), Math.max(SOON_MS, pausedUntil - performance.now()));
    timer.unref();
  };
  const later = setInterval(schedule, LATER_MS);
  later.unref();
  return {
    schedule,
    collect,
    async close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(later);
      await running.catch(() => undefined);
    },
  };
}

/** @param looked is told how long all else had to wait: milliseconds */
async function collectOnce(what: Collected, looked: (ms: number) => void): Promise<void> {
  const begun = performance.now();
  sweepRecords(what.records);
  removeBlobs(what);
  looked(performance.now() - begun);
  for (const one of what.snapshotters) await removeSnapshots(what.records, one.snapshotter, one.snapshots);
}

function sweepRecords(records: Records): void {
  records.transaction(() => {
    const gone = unneeded(records);
    for (const key of gone.content) records.content.remove(key);
    for (const key of gone.ingests) records.ingests.remove(key);
    for (const key of gone.snapshots) records.snapshots.remove(key);
    for (const key of gone.leases) {
      const [namespace = '', id = ''] = wordsOf(key);
      removeLease(records, namespace, id);
    }
  });
}

/** Without a pause: between the look at the records and the removal nobody can begin to need a blob. */
function removeBlobs({ records, store, content }: Collected): void {
  const used = new Set(content.committing);
  for (const [key] of records.content.entries()) used.add(wordsOf(key)[1] ?? '');
  const ingests = records.ingests.entries();
  for (const [, { expected }] of ingests) if (expected !== undefined) used.add(expected);
  for (const { digest } of store.list()) if (!used.has(digest)) quietly(() => store.remove(digest));
  const refs = new Set(ingests.map(([, { ref }]) => ref));
  for (const { ref } of store.statuses()) if (!refs.has(ref)) quietly(() => store.abort(ref));
}

async function removeSnapshots(records: Records, snapshotter: Snapshotter, { making }: NamespacedSnapshots): Promise<void> {
  const used = new Set<string>();
  for (const [key, { backend }] of records.snapshots.entries()) if (wordsOf(key)[1] === snapshotter.name) used.add(backend);
  const garbage = snapshotter.walk().filter(({ name }) => !used.has(name) && !making.has(name));
  for (const name of childrenFirst(garbage)) await snapshotter.remove(name).catch(ignoreForNow);
  await snapshotter.cleanup();
}

/** A parent cannot go before the ones that are made of it. */
export function childrenFirst(snapshots: { name: string; parent: string }[]): string[] {
  const parentOf = new Map(snapshots.map(({ name, parent }) => [name, parent]));
  const depth = (name: string): number => {
    const parent = parentOf.get(name);
    return parent === undefined ? 0 : 1 + depth(parent);
  };
  return snapshots
    .map(({ name }) => ({ name, depth: depth(name) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ name }) => name);
}

/** One that something is just being made of goes the next time. */
function ignoreForNow(error: unknown): void {
  if (!isCode(error, Code.FailedPrecondition)) ignoreNotFound(error);
}

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function quietly(act: () => void): void {
  try {
    act();
  } catch (error) {
    ignoreNotFound(error);
  }
}
