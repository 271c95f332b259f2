/** `docker pull`. */
import { isNotFound } from '../../containerd/errors.ts';
import type { Credentials } from '../../containerd/registry/credentials.ts';
import { listTags } from '../../containerd/registry/lists.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import { familiarReference, formatReference, type Reference, registryHost } from '../../containerd/registry/reference.ts';
import { openRegistry } from '../../containerd/registry/registry.ts';
import type { RegistrySettings } from '../../containerd/registry/settings.ts';
import { infoOf } from '../../containerd/transfer/content.ts';
import type { ImagesPort, Stores } from '../../containerd/transfer/ports.ts';
import type { Progress } from '../../containerd/transfer/progress.ts';
import { pull } from '../../containerd/transfer/pull.ts';
import type { Daemon } from '../daemon.ts';
import { type ApiError, badRequest, isStatus } from '../http/api-error.ts';
import type { Messages } from '../http/messages.ts';
import type { Images } from './images.ts';
import { pullError } from './pull-error.ts';
import { openPullProgress } from './pull-progress.ts';
import { shownRepository } from './reference.ts';
import { tellOfImage } from './tell.ts';

export interface PullRequest {
  /** Without a tag and a digest: all tags of the repository. */
  reference: Reference;
  platform?: Platform | undefined;
  credentials?: Credentials | undefined;
  settings: RegistrySettings;
  /** Downloads at a time. */
  parallel?: number;
  signal: AbortSignal;
}

type Parts = Pick<Daemon, 'stores' | 'images' | 'events'>;

/** What was given for one registry is for no other one: a mirror does not get it. */
const settingsFor = ({ settings, credentials, reference }: PullRequest): RegistrySettings =>
  credentials ? { ...settings, credentials: (host) => (host === reference.domain ? credentials : undefined) } : settings;

async function digestOf(images: ImagesPort, name: string): Promise<string | undefined> {
  try {
    return (await images.get(name)).target.digest;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Turns what the transfer tells into lines, in its order: whether a layer is here is known a moment later.
 * @returns resolves when all has been said
 */
function narrate({ content, images }: Pick<Stores, 'content' | 'images'>, messages: Messages, from: string, object: string) {
  const lines = openPullProgress();
  /** The image has a name already: then Docker says nothing of its layers. */
  let whole = false;
  let last: Promise<void> = Promise.resolve();
  const tell = async (progress: Progress): Promise<void> => {
    if (progress.status === 'resolved') {
      messages.send({ status: `Pulling from ${from}`, id: object });
      whole = (await images.list()).some(({ target }) => target.digest === progress.digest);
      return;
    }
    const isHere = progress.status === 'waiting' && (await infoOf(content, progress.digest ?? '')) !== undefined;
    if (isHere && whole) return;
    const passing = progress.status === 'downloading';
    for (const line of lines.lines(progress, isHere)) passing ? messages.progress(line) : messages.send(line);
  };
  return {
    observe: (progress: Progress) => {
      last = last.then(() => tell(progress)).catch(() => {});
    },
    async rest(success: boolean) {
      await last;
      if (success) for (const line of lines.rest()) messages.send(line);
    },
  };
}

/** @returns whether the name stands for something else now */
async function pullOne({ stores, images, events }: Parts, request: PullRequest, messages: Messages): Promise<boolean> {
  const { reference, platform, parallel, signal } = request;
  const full = formatReference(reference);
  const before = await digestOf(stores.images, full);
  const object = reference.digest ?? reference.tag ?? '';
  const story = narrate(stores, messages, reference.path, object);
  let digest: string;
  try {
    const options = {
      registry: settingsFor(request),
      progress: story.observe,
      signal,
      ...(parallel && { parallel }),
      ...(platform && { platform }),
    };
    const { image } = await pull(stores, full, options);
    digest = image.target.digest;
  } catch (error) {
    await story.rest(false);
    throw pullError(error, reference);
  }
  await story.rest(true);
  const name = familiarReference(reference);
  if (platform) await warnOfPlatform(images, name, platform, messages);
  messages.send({ status: `Digest: ${digest}` });
  tellOfImage(events, 'pull', name, shownRepository(reference), await images.get(name));
  return before !== digest;
}

/** An image for one platform only is what it is, whatever was asked for. */
async function warnOfPlatform(images: Images, name: string, platform: Platform, messages: Messages): Promise<void> {
  try {
    await images.get(name, platform);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    messages.send({ status: `WARNING: ${(error as ApiError).message}` });
  }
}

async function tagsIn(request: PullRequest): Promise<string[]> {
  const { reference } = request;
  const registry = openRegistry(registryHost(reference.domain), settingsFor(request));
  const tags: string[] = [];
  try {
    for await (const tag of listTags(registry, reference.path)) tags.push(tag);
    return tags;
  } catch (error) {
    throw pullError(error, reference);
  } finally {
    registry.close();
  }
}

/** @throws 404 where there is no such repository, image, or platform; 401, 500 as the registry and the network have it */
export async function pullImage(daemon: Parts, request: PullRequest, messages: Messages): Promise<void> {
  const { reference } = request;
  if (shownRepository(reference) === 'scratch') throw badRequest("'scratch' is a reserved name");
  const one = reference.tag !== undefined || reference.digest !== undefined;
  let newer = false;
  if (one) newer = await pullOne(daemon, request, messages);
  else
    for (const tag of await tagsIn(request))
      newer = (await pullOne(daemon, { ...request, reference: { ...reference, tag } }, messages)) || newer;
  messages.send({ status: `Status: ${newer ? 'Downloaded newer image' : 'Image is up to date'} for ${familiarReference(reference)}` });
}
