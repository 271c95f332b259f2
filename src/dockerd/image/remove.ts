/** `docker rmi`: names are taken away, and with the last one the image. */

import { isNotFound } from '../../containerd/errors.ts';
import { chainIds } from '../../containerd/transfer/chain-id.ts';
import { infoOf } from '../../containerd/transfer/content.ts';
import { sourceLabel } from '../../containerd/transfer/gc-labels.ts';
import { isRunning } from '../container/record.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { DANGLING, danglingName } from './dangling.ts';
import type { Image } from './images.ts';
import { fullName, shown } from './reference.ts';
import { type ImageReference, referencesOf } from './references.ts';
import { planRemoval, type Removal, type User } from './removal.ts';
import { tellOfImage } from './tell.ts';

/** One line of the answer. */
export type Removed = { Untagged: string } | { Deleted: string };

type Parts = Pick<Daemon, 'images' | 'stores' | 'clients' | 'events' | 'containers'>;

export const usersOf = ({ containers }: Pick<Daemon, 'containers'>, { id }: Pick<Image, 'id'>): User[] =>
  containers
    .list()
    .filter(({ record }) => record.Image === id)
    .map(({ record }) => ({ id: record.Id, running: isRunning(record) }));

/** @param collect wait until the space is free */
async function forget({ clients }: Parts, name: string, collect: boolean): Promise<void> {
  try {
    await clients.images.delete({ name, sync: collect });
  } catch (error) {
    // Somebody else was faster.
    if (!isNotFound(error)) throw error;
  }
}

/** A digest goes: it is no longer said that the image is known in that repository. */
async function forgetSource({ stores }: Parts, { reference }: ImageReference): Promise<void> {
  if (reference?.digest === undefined) return;
  const label = sourceLabel(reference.domain);
  const known = (await infoOf(stores.content, reference.digest))?.labels?.[label];
  if (known === undefined) return;
  const left = known.split(',').filter((path) => path !== reference.path);
  await stores.content.label(reference.digest, { [label]: left.join(',') });
}

/**
 * Does what was decided.
 * @param image with all its records
 * @param collect return when the space is free, as Docker does; who removes many waits for the last one only
 */
export async function carryOut(daemon: Parts, image: Image, { untag, image: end }: Removal, collect = true): Promise<Removed[]> {
  // First the name that keeps it: whenever the daemon is killed, what should stay does.
  if (end === 'hidden') await daemon.stores.images.put({ name: danglingName(image.target), target: image.target });
  // While a name still keeps it: what nobody names may be collected at any moment.
  for (const reference of untag) await forgetSource(daemon, reference);
  const hidden = end === 'gone' ? image.records.map(({ name }) => name).filter((name) => name.startsWith(DANGLING)) : [];
  const names = [...untag.flatMap(({ record }) => record ?? []), ...hidden];
  for (const name of names) await forget(daemon, name, collect && end === 'gone' && name === names.at(-1));
  const removed: Removed[] = untag.map(({ name }) => ({ Untagged: shown(name) }));
  for (const _ of untag) tellOfImage(daemon.events, 'untag', image.id, image.id, image);
  if (end !== 'gone') return removed;
  tellOfImage(daemon.events, 'delete', image.id, image.id, image);
  const others = (await daemon.images.list()).filter(({ id }) => id !== image.id);
  const kept = new Set(others.flatMap(({ config }) => chainIds(config.rootfs.diff_ids)));
  const layers = chainIds(image.config.rootfs.diff_ids).reverse();
  const gone = usersOf(daemon, image).length > 0 ? [] : layers.filter((chainId) => !kept.has(chainId));
  return [...removed, { Deleted: image.id }, ...gone.map((Deleted) => ({ Deleted }))];
}

/**
 * @param text a name or an id
 * @throws 404, 409 when containers use it or an id stands for several names
 */
export async function removeImage(daemon: Parts, text: string, force: boolean): Promise<Removed[]> {
  if (text.trim() === '') throw badRequest('image name cannot be blank');
  const { images, stores } = daemon;
  const image = await images.withNames(await images.get(text));
  const isId = [image.id, ...image.records.map(({ target }) => target.digest)].some(
    (id) => id.startsWith(text) || id.startsWith(`sha256:${text}`),
  );
  const references = await referencesOf(stores.content, image);
  const name = isId ? undefined : fullName(text);
  return carryOut(daemon, image, planRemoval({ image, references, users: usersOf(daemon, image), text, name, force }));
}
