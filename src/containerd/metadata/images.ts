/** Images: names for content. */

import { parseDigest } from '../content/digest.ts';
import { alreadyExists, invalidArgument, notFound } from '../errors.ts';
import { applyMask } from '../field-mask.ts';
import { inMap, parseFilters, unlessEmpty } from '../filters.ts';
import { checkLabels } from '../identifier.ts';
import type { Scope } from '../scope.ts';
import { ensureNamespace, entriesOf, type ImageRecord, keyOf, type Labels, type Records } from './records.ts';

export interface Image extends ImageRecord {
  name: string;
}

/** @throws not found */
export function getImage(records: Records, { namespace }: Scope, name: string): Image {
  const found = records.images.get(keyOf(namespace, name));
  if (!found) throw notFound(`image ${JSON.stringify(name)}`);
  return { name, ...found };
}

/** @throws invalid argument for the filters */
export function listImages(records: Records, { namespace }: Scope, filters: readonly string[]): Image[] {
  const matches = parseFilters(filters);
  return entriesOf(records.images, namespace)
    .map(([name, record]) => ({ name, ...record }))
    .filter((image) =>
      matches(([first, ...rest]) => {
        if (first === 'name') return unlessEmpty(image.name);
        if (first === 'labels') return inMap(image.labels, rest);
        if (first === 'annotations') return inMap(image.target.annotations, rest);
        if (first !== 'target') return undefined;
        return rest[0] === 'digest' ? image.target.digest : rest[0] === 'mediatype' ? image.target.mediaType : undefined;
      }),
    );
}

/** @param at the time to write down, if not now @throws already exists, invalid argument */
export function createImage(records: Records, { namespace }: Scope, image: Image, at = new Date()): Image {
  check(image);
  return records.transaction(() => {
    const { name, ...record } = image;
    if (records.images.get(keyOf(namespace, name))) throw alreadyExists(`image ${JSON.stringify(name)}`);
    ensureNamespace(records, namespace);
    record.createdAt = record.updatedAt = at.toISOString();
    records.images.put(keyOf(namespace, name), record);
    return { name, ...record };
  });
}

/** @throws not found, invalid argument */
export function updateImage(records: Records, scope: Scope, change: Image, paths: readonly string[], at = new Date()): Image {
  const { name } = change;
  if (name === '') throw invalidArgument('image name is required for update');
  return records.transaction(() => {
    const current = getImage(records, scope, name);
    const refuse = (path: string) => `cannot update ${JSON.stringify(path)} field on image ${JSON.stringify(name)}`;
    const wanted = paths.length > 0 ? paths : ['labels', 'target'];
    const ofTarget = wanted.filter((path) => /^(target\.)?annotations/.test(path)).map((path) => path.replace(/^target\./, ''));
    applyMask<Image>(
      current,
      change,
      wanted.filter((path) => !/^(target\.)?annotations/.test(path)),
      { labels: 'labels', target: 'target' },
      refuse,
    );
    applyMask<{ annotations: Labels }>(current.target, change.target, ofTarget, { annotations: 'annotations' }, refuse);
    check(current);
    const { name: _, ...record } = current;
    record.updatedAt = at.toISOString();
    records.images.put(keyOf(scope.namespace, name), record);
    return { name, ...record };
  });
}

/** @param target delete it only if this is the digest that it stands for @throws not found */
export function deleteImage(records: Records, scope: Scope, name: string, target?: string): void {
  records.transaction(() => {
    const image = getImage(records, scope, name);
    if (target !== undefined && image.target.digest !== target) {
      throw notFound(`image ${JSON.stringify(name)} has target ${image.target.digest}, not ${target}`);
    }
    records.images.remove(keyOf(scope.namespace, name));
  });
}

function check({ name, labels, target }: Image): void {
  if (name === '') throw invalidArgument('image name must not be empty');
  checkLabels(labels, 'image.Labels');
  parseDigest(target.digest);
  if (target.size <= 0) throw invalidArgument('Target.Size must be greater than zero');
  if (target.mediaType === '') throw invalidArgument('Target.MediaType must be set');
}
