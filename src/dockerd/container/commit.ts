/** `docker commit`: what a container has changed becomes one more layer, and with its config an image. */
import { createHash, randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type RunConfig as ChangedConfig, changeConfig } from '../../containerd/archive/config-changes.ts';
import { digestOf } from '../../containerd/content/digest.ts';
import type { Change } from '../../containerd/diff/changes.ts';
import { layerOf } from '../../containerd/diff/layer.ts';
import { isAlreadyExists } from '../../containerd/errors.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { hasManifests } from '../../containerd/registry/manifest.ts';
import * as types from '../../containerd/registry/media-types.ts';
import { formatReference, type Reference } from '../../containerd/registry/reference.ts';
import { adopt } from '../../containerd/transfer/adopt.ts';
import { dropIngest, readManifest, writeContent } from '../../containerd/transfer/content.ts';
import type { ContentPort } from '../../containerd/transfer/ports.ts';
import type { Daemon } from '../daemon.ts';
import { conflict, isStatus } from '../http/api-error.ts';
import { danglingName } from '../image/dangling.ts';
import type { Image, ImageConfig } from '../image/images.ts';
import { shown } from '../image/reference.ts';
import { tellOfImage } from '../image/tell.ts';
import type { ContainerConfig } from './config.ts';
import type { Container } from './containers.ts';
import type { OwnChange } from './files/own-changes.ts';
import { withOwnChanges } from './files/snapshot-changes.ts';
import { pause, unpause } from './pause.ts';
import { mergeImage } from './spec/merge-image.ts';

export interface CommitRequest {
  /** What the image is called; without it, it is kept and shown as `<none>`. */
  name?: Reference | undefined;
  author: string;
  comment: string;
  /** Lines of a Dockerfile. */
  changes: string[];
  /** What replaces the container's config; its own where this says nothing. */
  config?: ContainerConfig | undefined;
  /** Freeze its processes meanwhile, so that no file is caught half written. */
  pause: boolean;
}

type RunConfig = NonNullable<ImageConfig['config']>;

/** The part of a container's config that an image has. */
function runConfig(config: ContainerConfig): RunConfig {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck, Shell, OnBuild } = config;
  const all = { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, Healthcheck, Shell, OnBuild };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== '')) as RunConfig;
}

function* changesOf(all: Iterable<OwnChange>): Generator<Change> {
  for (const { change } of all) yield change;
}

/** The layer's tar, compressed, into the store. */
async function writeLayer(content: ContentPort, all: Iterable<OwnChange>): Promise<{ layer: Descriptor; diffId: string }> {
  const ref = `commit-${randomBytes(6).toString('hex')}`;
  const writer = await content.ingest(ref);
  const [plain, packed] = [createHash('sha256'), createHash('sha256')];
  try {
    await pipeline(
      async function* () {
        for (const piece of layerOf(changesOf(all))) {
          plain.update(piece);
          yield piece;
        }
      },
      createGzip({ chunkSize: 1 << 18 }),
      async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) {
          packed.update(piece);
          await writer.write(piece);
        }
      },
    );
    const size = writer.offset;
    const digest = `sha256:${packed.digest('hex')}`;
    await writer.commit({ size, digest }).catch((error) => {
      // The same layer was made before.
      if (!isAlreadyExists(error)) throw error;
    });
    return { layer: { mediaType: types.OCI_LAYER_GZIP, digest, size }, diffId: `sha256:${plain.digest('hex')}` };
  } finally {
    await writer.close();
    await dropIngest(content, ref);
  }
}

const OCI_NAMES: Record<string, string> = {
  [types.DOCKER_LAYER]: types.OCI_LAYER,
  [types.DOCKER_LAYER_GZIP]: types.OCI_LAYER_GZIP,
  [types.DOCKER_LAYER_ZSTD]: types.OCI_LAYER_ZSTD,
};
/** A manifest's layers are all of one family of names. */
const asOci = ({ mediaType, ...rest }: Descriptor): Descriptor => ({ ...rest, mediaType: OCI_NAMES[mediaType] ?? mediaType });

async function store(content: ContentPort, mediaType: string, value: unknown): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  await writeContent(content, descriptor, bytes);
  return descriptor;
}

async function writeImage(
  { stores }: Daemon,
  container: Container,
  base: Image,
  { author, comment, name }: CommitRequest,
  config: RunConfig,
  all: Iterable<OwnChange>,
): Promise<string> {
  return stores.leased(async (leased) => {
    const { content, images } = leased;
    const { layer, diffId } = await writeLayer(content, all);
    const parent = await readManifest(content, base.manifest);
    const created = new Date().toISOString();
    const { Cmd = [] } = container.record.Config;
    const step = { created, created_by: Cmd.join(' '), ...(author ? { author } : {}), ...(comment ? { comment } : {}) };
    const { rootfs, history = [], architecture, os, variant } = base.config;
    const stored = await store(content, types.OCI_CONFIG, {
      created,
      ...(author ? { author } : {}),
      architecture,
      os,
      ...(variant ? { variant } : {}),
      config,
      rootfs: { type: 'layers', diff_ids: [...(rootfs?.diff_ids ?? []), diffId] },
      history: [...history, step],
    });
    const layers = [...(hasManifests(parent) ? [] : parent.layers.map(asOci)), layer];
    const target = await store(content, types.OCI_MANIFEST, { schemaVersion: 2, mediaType: types.OCI_MANIFEST, config: stored, layers });
    await adopt(leased, target, { platform: 'all' });
    await images.put({ name: name ? formatReference(name) : danglingName(target), target });
    return stored.digest;
  });
}

/** It has ended, or somebody else has paused it or let it go on: nothing to be done then. */
async function unless409(action: Promise<void>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (isStatus(error, 409)) return false;
    throw error;
  }
}

/**
 * Makes an image of a container, with the config of the container and these changes.
 * @returns the image's id
 * @throws invalid argument for changes that are none, 409 for a container that is being removed
 */
export async function commitContainer(daemon: Daemon, container: Container, request: CommitRequest): Promise<string> {
  const { record, id } = container;
  if (record.State.Status === 'dead') throw conflict(`You cannot commit container ${id} which is Dead`);
  if (record.State.Status === 'removing') throw conflict(`You cannot commit container ${id} which is being removed`);
  const own = runConfig(record.Config);
  const config = runConfig(
    mergeImage(
      { ...changeConfig((request.config ? runConfig(request.config) : own) as ChangedConfig, request.changes) } as ContainerConfig,
      own,
    ),
  );
  const base = await daemon.images.get(record.Image);
  const paused = request.pause && record.State.Status === 'running' && (await unless409(pause(daemon, container)));
  let image: string;
  try {
    image = await withOwnChanges(daemon, container, (all) => writeImage(daemon, container, base, request, config, all));
  } finally {
    if (paused)
      await unless409(unpause(daemon, container)).catch((error: unknown) => daemon.log('error', 'container stays paused', { id, error }));
  }
  const imageRef = request.name ? shown(formatReference(request.name)) : '';
  if (imageRef !== '') tellOfImage(daemon.events, 'tag', image, imageRef, { config: { config } as ImageConfig });
  container.tell('commit', {
    comment: request.comment,
    imageID: image,
    imageRef: request.name ? shown(formatReference(request.name)) : '',
  });
  return image;
}
