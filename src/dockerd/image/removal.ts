/** Whether an image, or one of its names, may go; in Docker's words. Nothing is done here. */
import { familiarReference } from '../../containerd/registry/reference.ts';
import { conflict } from '../http/api-error.ts';
import type { Image } from './images.ts';
import { type ImageReference, isDigestReference } from './references.ts';

/** A container that uses the image. */
export interface User {
  id: string;
  running: boolean;
}

export interface RemovalRequest {
  image: Pick<Image, 'id'>;
  references: readonly ImageReference[];
  users: readonly User[];
  /** As it was asked for. */
  text: string;
  /** The name that is meant, in full; undefined when the text is an id. */
  name: string | undefined;
  force: boolean;
}

export interface Removal {
  untag: ImageReference[];
  /** stays: it has other names; hidden: without a name, for containers that use it; gone */
  image: 'stays' | 'hidden' | 'gone';
}

/** What people call an id: its first twelve digits. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

const repository = ({ reference, name }: ImageReference): string =>
  reference ? familiarReference({ domain: reference.domain, path: reference.path }) : name;

/** All names are of one repository, and at most one of them is a tag. */
function isSingle(references: readonly ImageReference[]): boolean {
  const tags = references.filter((reference) => !isDigestReference(reference));
  return references.length > 0 && tags.length <= 1 && new Set(references.map(repository)).size === 1;
}

const cannot = (image: Pick<Image, 'id'>, hard: boolean, why: string) =>
  conflict(`conflict: unable to delete ${shortId(image.id)} (${hard ? 'cannot' : 'must'} be forced) - ${why}`);

/** @throws 409 for an image that containers use */
function refuseUsed({ image, users, force }: RemovalRequest): void {
  const running = users.find((user) => user.running);
  if (running) throw cannot(image, true, `image is being used by running container ${shortId(running.id)}`);
  const [stopped] = users;
  if (stopped && !force) throw cannot(image, false, `image is being used by stopped container ${shortId(stopped.id)}`);
}

/** A name is taken away; with the last tag of a repository go its digests. */
function byName(request: RemovalRequest): Removal {
  const { image, references, users, name, text, force } = request;
  const [user] = users;
  if (!force && user && isSingle(references))
    throw conflict(
      `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
    );
  const named = references.filter((reference) => reference.name === name);
  const [first] = named;
  const untag = [...named];
  const rest = references.filter((reference) => reference.name !== name);
  if (first && !isDigestReference(first)) {
    const same = rest.filter((reference) => repository(reference) === repository(first));
    if (same.every(isDigestReference)) untag.push(...same);
  }
  if (references.some((reference) => !untag.includes(reference))) return { untag, image: 'stays' };
  return { untag, image: users.length > 0 ? 'hidden' : 'gone' };
}

/** @throws 409 */
export function planRemoval(request: RemovalRequest): Removal {
  const { image, references, users, name, force } = request;
  if (name !== undefined) return byName(request);
  refuseUsed(request);
  if (references.length > 0 && !isSingle(references) && !force) throw cannot(image, false, 'image is referenced in multiple repositories');
  // Whoever forces it twice, the second time by the id, means it: a container has all that it needs in its snapshot.
  return { untag: [...references], image: users.length > 0 && references.length > 0 ? 'hidden' : 'gone' };
}
