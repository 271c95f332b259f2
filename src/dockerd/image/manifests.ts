/** What an image consists of for each platform: `docker images --tree`, `docker image inspect` of an index. */
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import { childrenOf, hasManifests } from '../../containerd/registry/manifest.ts';
import { isForeignLayer } from '../../containerd/registry/media-types.ts';
import type { Platform } from '../../containerd/registry/platform.ts';
import { infoOf, readConfigBytes, readManifest } from '../../containerd/transfer/content.ts';
import type { ContentPort } from '../../containerd/transfer/ports.ts';
import type { Image, ImageConfig, Images } from './images.ts';

/** As the API tells it, from version 1.47 on. */
export interface ImageManifest {
  ID: string;
  Descriptor: Descriptor;
  /** Whether all of it is here. */
  Available: boolean;
  Size: { Content: number; Total: number };
  Kind: 'image' | 'attestation' | 'unknown';
  ImageData?: { Platform: Platform; Containers: string[]; Size: { Unpacked: number } };
  AttestationData?: { For: string };
}

export interface ManifestParts {
  images: Images;
  content: ContentPort;
  /** The containers of an image. */
  usersOf?: ((id: string) => string[]) | undefined;
}

const platformOf = ({ os, architecture, variant }: ImageConfig): Platform => ({ architecture, os, ...(variant ? { variant } : {}) });

async function manifestOf({ images, content, usersOf }: ManifestParts, at: Descriptor): Promise<ImageManifest> {
  const empty = { ID: at.digest, Descriptor: at, Available: false, Size: { Content: 0, Total: 0 } };
  if (!(await infoOf(content, at.digest))) {
    if (!at.platform) return { ...empty, Kind: 'unknown' };
    return { ...empty, Kind: 'image', ImageData: { Platform: at.platform, Containers: [], Size: { Unpacked: 0 } } };
  }
  const parsed = await readManifest(content, at);
  if (hasManifests(parsed)) return { ...empty, Kind: 'unknown' };
  const parts = childrenOf(parsed).filter(({ mediaType }) => !isForeignLayer(mediaType));
  const here = await Promise.all(parts.map(({ digest }) => infoOf(content, digest)));
  const packed = here.reduce((sum, info) => sum + (info?.size ?? 0), at.size);
  const Available = here.every((info) => info !== undefined);
  const { annotations = {} } = at;
  if (annotations['vnd.docker.reference.type'] === 'attestation-manifest') {
    const For = annotations['vnd.docker.reference.digest'] ?? '';
    return { ...empty, Available, Size: { Content: packed, Total: packed }, Kind: 'attestation', AttestationData: { For } };
  }
  if (!(await infoOf(content, parsed.config.digest))) return { ...empty, Kind: 'unknown' };
  const config = JSON.parse((await readConfigBytes(content, parsed.config)).toString('utf8')) as ImageConfig;
  const unpacked = await images.size({ manifest: at, config } as Image);
  return {
    ...empty,
    Available,
    Size: { Content: packed, Total: packed + unpacked },
    Kind: 'image',
    ImageData: { Platform: platformOf(config), Containers: usersOf?.(parsed.config.digest) ?? [], Size: { Unpacked: unpacked } },
  };
}

/** One for each manifest of the index, or the image's only one. */
export async function manifestsOf(
  parts: ManifestParts,
  { target, manifest }: Pick<Image, 'target' | 'manifest'>,
): Promise<ImageManifest[]> {
  const parsed = await readManifest(parts.content, target);
  const list = hasManifests(parsed) ? parsed.manifests : [manifest];
  return Promise.all(list.map((one) => manifestOf(parts, one)));
}
