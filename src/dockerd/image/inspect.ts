/** `docker image inspect`, as each version of the API tells it. */
import type { ContentPort } from '../../containerd/transfer/ports.ts';
import type { Image, ImageConfig } from './images.ts';
import type { ImageManifest } from './manifests.ts';
import { shown } from './reference.ts';
import { isDigestReference, referencesOf } from './references.ts';

/** Fields that Go's structures had for containers, and that images never used; told until version 1.49. */
const UNUSED = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};

/** Fields that are always told, also when the image does not have them. */
const ALWAYS = { User: '', Env: null, Cmd: null, Volumes: null, WorkingDir: '', Entrypoint: null, OnBuild: null, Labels: null };

const configAt = (config: ImageConfig['config'], minor: number): object => ({
  ...(minor < 50 ? UNUSED : {}),
  ...ALWAYS,
  ...config,
});

/** Never; before version 1.44 an image without a date said so. */
const ZERO_TIME = '0001-01-01T00:00:00Z';

export interface InspectOptions {
  /** Of the API, after the 1. */
  minor: number;
  /** bytes of its layers */
  size: number;
  snapshotter: string;
  manifests?: ImageManifest[];
}

/** @param image with all its records */
export async function inspectImage(
  content: ContentPort,
  image: Image,
  { minor, size, snapshotter, manifests }: InspectOptions,
): Promise<Record<string, unknown>> {
  const { id, config, target, records } = image;
  const references = await referencesOf(content, image);
  const created = config.created ?? (minor < 44 ? ZERO_TIME : undefined);
  const [tagged] = records.map(({ updatedAt }) => updatedAt ?? '').sort((a, b) => b.localeCompare(a));
  return {
    Id: id,
    RepoTags: references.filter((reference) => !isDigestReference(reference)).map(({ name }) => shown(name)),
    RepoDigests: references.filter(isDigestReference).map(({ name }) => shown(name)),
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    ...(created === undefined ? {} : { Created: created }),
    // Of the container that an image was committed from: nobody knows any more, and from 1.45 on nobody is told.
    ...(minor < 45 ? { Container: '', ContainerConfig: { ...UNUSED, ...ALWAYS } } : {}),
    DockerVersion: '',
    Author: config.author ?? '',
    Config: configAt(config.config, minor),
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    ...(config['os.version'] ? { OsVersion: config['os.version'] } : {}),
    Size: size,
    ...(minor < 44 ? { VirtualSize: size } : {}),
    GraphDriver: { Data: null, Name: snapshotter },
    RootFS: { Type: 'layers', ...(config.rootfs.diff_ids.length > 0 ? { Layers: config.rootfs.diff_ids } : {}) },
    Metadata: { LastTagTime: tagged || ZERO_TIME },
    ...(minor >= 48 ? { Descriptor: target, ...(manifests ? { Manifests: manifests } : {}) } : {}),
  };
}
