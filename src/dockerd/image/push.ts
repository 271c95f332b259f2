/** `docker push`. */
import type { Credentials } from '../../containerd/registry/credentials.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import { familiarReference, formatReference, type Reference } from '../../containerd/registry/reference.ts';
import type { RegistrySettings } from '../../containerd/registry/settings.ts';
import type { Progress } from '../../containerd/transfer/progress.ts';
import { push } from '../../containerd/transfer/push.ts';
import type { Daemon } from '../daemon.ts';
import { notFound } from '../http/api-error.ts';
import type { Messages } from '../http/messages.ts';
import { registryError } from './connection-words.ts';
import { pushLine } from './push-progress.ts';
import { shownRepository } from './reference.ts';
import { tellOfImage } from './tell.ts';

export interface PushRequest {
  /** Without a tag: all tags of the repository. */
  reference: Reference;
  platform?: Platform | undefined;
  credentials?: Credentials | undefined;
  settings: RegistrySettings;
  /** Uploads at a time. */
  parallel?: number;
  signal: AbortSignal;
}

type Parts = Pick<Daemon, 'stores' | 'images' | 'events'>;

/** Names of the repository that are here. @throws 404 in Docker's words */
async function tagsOf({ stores }: Parts, { domain, path, tag }: Reference): Promise<string[]> {
  const prefix = `${domain}/${path}:`;
  const here = (await stores.images.list()).map(({ name }) => name).filter((name) => name.startsWith(prefix));
  if (here.length === 0) throw notFound(`An image does not exist locally with the tag: ${shownRepository({ domain, path })}`);
  if (tag === undefined) return here.map((name) => name.slice(prefix.length));
  if (!here.includes(`${prefix}${tag}`)) throw notFound(`tag does not exist: ${familiarReference({ domain, path, tag })}`);
  return [tag];
}

async function pushOne({ stores, images, events }: Parts, request: PushRequest, tag: string, messages: Messages): Promise<void> {
  const { credentials, settings, platform, parallel, signal } = request;
  const reference = { domain: request.reference.domain, path: request.reference.path, tag };
  const full = formatReference(reference);
  const observe = (progress: Progress) => {
    const line = pushLine(progress);
    if (line) progress.status === 'uploading' ? messages.progress(line) : messages.send(line);
  };
  // What was given for one registry is for no other one.
  const registry = credentials
    ? { ...settings, credentials: (host: string) => (host === reference.domain ? credentials : undefined) }
    : settings;
  const { digest, size } = await push(stores, full, {
    registry,
    progress: observe,
    signal,
    ...(parallel && { parallel }),
    ...(platform && { platform }),
  });
  messages.send({ status: `${tag}: digest: ${digest} size: ${size}` });
  messages.send({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } });
  const name = familiarReference(reference);
  tellOfImage(events, 'push', name, shownRepository(reference), await images.get(name));
}

/** Failures are told in the stream, as Docker does. */
export async function pushImage(daemon: Parts, request: PushRequest, messages: Messages): Promise<void> {
  messages.send({ status: `The push refers to repository [${request.reference.domain}/${request.reference.path}]` });
  try {
    for (const tag of await tagsOf(daemon, request.reference)) await pushOne(daemon, request, tag, messages);
  } catch (error) {
    throw registryError(error);
  }
}
