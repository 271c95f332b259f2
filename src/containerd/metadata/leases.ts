/** Leases: what keeps content and snapshots that nothing refers to yet. */

import { parseDigest } from '../content/digest.ts';
import { alreadyExists, invalidArgument, notFound, notImplemented } from '../errors.ts';
import { inMap, parseFilters, unlessEmpty } from '../filters.ts';
import { checkLabels } from '../identifier.ts';
import type { Scope } from '../scope.ts';
import {
  ensureNamespace,
  entriesOf,
  keyOf,
  type Labels,
  type LeaseRecord,
  prefixOf,
  type Records,
  type ResourceType,
  wordsOf,
} from './records.ts';

export interface Resource {
  type: ResourceType;
  /** A digest, an ingest's ref, or a snapshot's key. */
  id: string;
}

export interface Lease extends LeaseRecord {
  id: string;
}

/** @throws already exists, invalid argument */
export function createLease(records: Records, { namespace }: Scope, id: string, labels: Labels): Lease {
  if (id === '') throw invalidArgument('lease id must not be empty');
  checkLabels(labels, 'lease.Labels');
  return records.transaction(() => {
    const key = keyOf(namespace, id);
    if (records.leases.get(key)) throw alreadyExists(`lease ${JSON.stringify(id)}`);
    ensureNamespace(records, namespace);
    const lease = { createdAt: new Date().toISOString(), labels };
    records.leases.put(key, lease);
    return { id, ...lease };
  });
}

/** @throws not found */
export function deleteLease(records: Records, { namespace }: Scope, id: string): void {
  records.transaction(() => {
    existing(records, namespace, id);
    removeLease(records, namespace, id);
  });
}

/** With all that says what it keeps; the things themselves stay until they are collected. */
export function removeLease(records: Records, namespace: string, id: string): void {
  for (const [key] of records.leased.entries(prefixOf(namespace, id))) records.leased.remove(key);
  records.leases.remove(keyOf(namespace, id));
}

export function listLeases(records: Records, { namespace }: Scope, filters: readonly string[]): Lease[] {
  const matches = parseFilters(filters);
  return entriesOf(records.leases, namespace)
    .map(([id, lease]) => ({ id, ...lease }))
    .filter((lease) =>
      matches(([first, ...rest]) => (first === 'id' ? unlessEmpty(lease.id) : first === 'labels' ? inMap(lease.labels, rest) : undefined)),
    );
}

/** @throws not found, invalid argument */
export function addResource(records: Records, { namespace }: Scope, id: string, resource: Resource): void {
  records.transaction(() => {
    existing(records, namespace, id);
    records.leased.put(resourceKey(namespace, id, resource), true);
  });
}

/** @throws not found for the lease; what is not in it stays so */
export function deleteResource(records: Records, { namespace }: Scope, id: string, resource: Resource): void {
  records.transaction(() => {
    existing(records, namespace, id);
    records.leased.remove(resourceKey(namespace, id, resource));
  });
}

/** @throws not found */
export function listResources(records: Records, { namespace }: Scope, id: string): Resource[] {
  existing(records, namespace, id);
  return records.leased.entries(prefixOf(namespace, id)).map(([key]) => {
    const [, , type = '', ...resource] = wordsOf(key);
    return { type, id: resource.join() };
  });
}

/**
 * Puts what a call makes into the lease that it names. To be called inside a transaction.
 * @returns false when the call names none
 * @throws not found when there is no such lease
 */
export function leaseIt(records: Records, scope: Scope, resource: Resource): boolean {
  if (scope.lease === undefined) return false;
  if (!records.leases.get(keyOf(scope.namespace, scope.lease))) throw notFound('lease does not exist');
  records.leased.put(resourceKey(scope.namespace, scope.lease, resource), true);
  return true;
}

/** The reverse, for what is gone. */
export function unleaseIt(records: Records, scope: Scope, resource: Resource): void {
  if (scope.lease !== undefined) records.leased.remove(resourceKey(scope.namespace, scope.lease, resource));
}

function existing(records: Records, namespace: string, id: string): void {
  if (!records.leases.get(keyOf(namespace, id))) throw notFound(`lease ${JSON.stringify(id)}`);
}

function resourceKey(namespace: string, lease: string, { type, id }: Resource): string {
  checkResource(type, id);
  return keyOf(namespace, lease, type, id);
}

function checkResource(type: string, id: string): void {
  const [kind, name, ...more] = type.split('/');
  switch (kind) {
    case 'content':
    case 'ingests':
      if (name !== undefined) throw invalidArgument(`invalid resource type ${type}`);
      if (kind === 'content') parseDigest(id);
      return;
    case 'snapshots':
      if (!name || more.length > 0) throw invalidArgument(`invalid snapshot resource type ${type}`);
      return;
    default:
      throw notImplemented(`resource type ${type} not supported yet`);
  }
}
