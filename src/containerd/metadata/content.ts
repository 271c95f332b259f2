/**
 * Content as a namespace sees it: the bytes are on the disk once for all, the records say whose
 * they are and carry the labels. A namespace sees only what it wrote itself (or proved to know, by
 * naming the digest).
 */

import { parseDigest } from '../content/digest.ts';
import type { ContentStore, IngestStatus, OpenContent } from '../content/store.ts';
import { alreadyExists, invalidArgument, isAlreadyExists, isNotFound, notFound } from '../errors.ts';
import { applyMask } from '../field-mask.ts';
import { inMap, parseFilters } from '../filters.ts';
import { checkLabels } from '../identifier.ts';
import type { Scope } from '../scope.ts';
import { type ContentWriter, sharedWriter } from './content-writer.ts';
import { leaseIt, unleaseIt } from './leases.ts';
import { type ContentRecord, ensureNamespace, entriesOf, keyOf, type Labels, type Records } from './records.ts';

export type { ContentWriter } from './content-writer.ts';

export interface ContentInfo extends ContentRecord {
  digest: string;
}

export interface NamespacedContent {
  /** @throws not found */
  info(scope: Scope, digest: string): ContentInfo;
  /** @throws not found, invalid argument */
  update(scope: Scope, digest: string, labels: Labels, paths: readonly string[]): ContentInfo;
  list(scope: Scope, filters?: readonly string[]): ContentInfo[];
  /** The bytes stay until they are collected. @throws not found */
  remove(scope: Scope, digest: string): void;
  /** @throws not found */
  open(scope: Scope, digest: string): OpenContent;
  /** @throws already exists when the namespace has `expected`, unavailable when somebody writes that ref */
  write(scope: Scope, ref: string, options?: { expected?: string; total?: number }): Promise<ContentWriter>;
  statuses(scope: Scope, filters?: readonly string[]): IngestStatus[];
  /** @throws not found */
  status(scope: Scope, ref: string): IngestStatus;
  /** @throws not found */
  abort(scope: Scope, ref: string): void;
  /** Digests that are being committed now: not to be collected, though no record says so yet. */
  readonly committing: ReadonlySet<string>;
}

/** How long an ingest without a lease is kept. */
const DAY = 24 * 3600 * 1000;

export function namespacedContent(records: Records, store: ContentStore): NamespacedContent {
  const committing = new Set<string>();
  const info = ({ namespace }: Scope, digest: string): ContentInfo => {
    parseDigest(digest);
    const found = records.content.get(keyOf(namespace, digest));
    if (!found) throw notFound(`content digest ${digest}`);
    return { digest, ...found };
  };
  /** What becomes visible, all at once: the record, its lease, the end of the ingest. */
  const commit = (scope: Scope, ref: string, digest: string, labels: Labels) => {
    const existed = records.transaction(() => {
      endIngest(records, scope, ref);
      leaseIt(records, scope, { type: 'content', id: digest });
      const key = keyOf(scope.namespace, digest);
      if (records.content.get(key)) return true;
      const now = new Date().toISOString();
      records.content.put(key, { size: store.info(digest).size, labels, createdAt: now, updatedAt: now });
      return false;
    });
    if (existed) throw alreadyExists(`content ${digest}`);
  };
  const ingestOf = ({ namespace }: Scope, ref: string) => {
    const ingest = records.ingests.get(keyOf(namespace, ref));
    if (!ingest) throw notFound(`reference ${ref}`);
    return ingest;
  };
  const status = (scope: Scope, ref: string): IngestStatus => {
    const ingest = ingestOf(scope, ref);
    if (ingest.expected === undefined) return { ...store.status(ingest.ref), ref };
    const { size, createdAt } = store.info(ingest.expected);
    return { ref, offset: size, total: size, startedAt: createdAt, updatedAt: createdAt };
  };

  return {
    committing,
    info,
    update: (scope, digest, labels, paths) =>
      records.transaction(() => {
        const current = info(scope, digest);
        const refuse = (path: string) => `cannot update ${JSON.stringify(path)} field on content info ${JSON.stringify(digest)}`;
        applyMask(current, { ...current, labels }, paths.length > 0 ? paths : ['labels'], { labels: 'labels' }, refuse);
        checkLabels(current.labels, 'info.Labels');
        const { digest: _, ...record } = current;
        record.updatedAt = new Date().toISOString();
        records.content.put(keyOf(scope.namespace, digest), record);
        return { digest, ...record };
      }),
    list: ({ namespace }, filters = []) => {
      const matches = parseFilters(filters);
      return entriesOf(records.content, namespace)
        .map(([digest, record]) => ({ digest, ...record }))
        .filter(({ digest, size, labels }) =>
          matches(([first, ...rest]) => {
            if (first === 'digest') return digest;
            if (first === 'size') return String(size);
            return first === 'labels' ? inMap(labels, rest) : undefined;
          }),
        );
    },
    remove: (scope, digest) =>
      records.transaction(() => {
        info(scope, digest);
        unleaseIt(records, scope, { type: 'content', id: digest });
        records.content.remove(keyOf(scope.namespace, digest));
      }),
    open: (scope, digest) => {
      info(scope, digest);
      return store.open(digest);
    },
    async write(scope, ref, { expected, total = 0 } = {}) {
      if (ref === '') throw invalidArgument('ref must not be empty');
      if (expected !== undefined) parseDigest(expected);
      const begun = records.transaction(() => {
        if (expected !== undefined && records.content.get(keyOf(scope.namespace, expected))) {
          leaseIt(records, scope, { type: 'content', id: expected });
          return undefined;
        }
        // Who names the digest of what another namespace has gets it without sending it again.
        const shared = expected !== undefined && store.has(expected) && (total === 0 || total === store.info(expected).size);
        return { ...beginIngest(records, scope, ref, shared ? expected : undefined), shared };
      });
      if (!begun) throw alreadyExists(`content ${expected}`);
      if (begun.shared && expected !== undefined) {
        const { size, createdAt } = store.info(expected);
        return sharedWriter(ref, expected, size, createdAt, (labels) => commit(scope, ref, expected, labels));
      }
      const ingest = await store.ingest(begun.ref, { total });
      return {
        ref,
        total: ingest.total,
        get offset() {
          return ingest.offset;
        },
        startedAt: ingest.startedAt,
        get updatedAt() {
          return ingest.updatedAt;
        },
        digest: ingest.digest,
        write: ingest.write,
        truncate: ingest.truncate,
        close: ingest.close,
        async commit({ labels = {}, ...wanted } = {}) {
          checkLabels(labels, 'info.Labels');
          const digest = ingest.digest();
          committing.add(digest);
          try {
            await ingest.commit(wanted).catch((error) => {
              // Another namespace has it, or a kill came between file and record.
              if (!isAlreadyExists(error) || !store.has(digest)) throw error;
            });
            commit(scope, ref, digest, labels);
          } finally {
            committing.delete(digest);
          }
          return digest;
        },
      };
    },
    statuses: (scope, filters = []) => {
      const matches = parseFilters(filters);
      return entriesOf(records.ingests, scope.namespace).flatMap(([ref]) => {
        if (!matches(([first]) => (first === 'ref' ? ref : undefined))) return [];
        try {
          return [status(scope, ref)];
        } catch (error) {
          // Begun, and nothing on the disk yet.
          if (isNotFound(error)) return [];
          throw error;
        }
      });
    },
    status,
    abort: (scope, ref) => {
      const ingest = ingestOf(scope, ref);
      records.transaction(() => endIngest(records, scope, ref));
      if (ingest.expected !== undefined) return;
      try {
        store.abort(ingest.ref);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}

/** Writes down that a ref is being written. @returns its ref on the disk */
function beginIngest(records: Records, scope: Scope, ref: string, expected: string | undefined): { ref: string } {
  const key = keyOf(scope.namespace, ref);
  ensureNamespace(records, scope.namespace);
  const leased = leaseIt(records, scope, { type: 'ingests', id: ref });
  const onDisk = records.ingests.get(key)?.ref ?? `${scope.namespace}/${ref}`;
  records.ingests.put(key, {
    ref: onDisk,
    ...(expected === undefined ? {} : { expected }),
    ...(leased ? {} : { expireAt: new Date(Date.now() + DAY).toISOString() }),
  });
  return { ref: onDisk };
}

function endIngest(records: Records, scope: Scope, ref: string): void {
  unleaseIt(records, scope, { type: 'ingests', id: ref });
  records.ingests.remove(keyOf(scope.namespace, ref));
}
