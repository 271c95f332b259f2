/** The images that there are, as dockerd names them: by name, by id, by a part of an id. */
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import type { Platform } from '../../containerd/registry/platform.ts';

/** What an image's config says of how it runs, and of what it is made; OCI image-spec, config.md. */
export interface ImageConfig {
  created?: string;
  author?: string;
  architecture: string;
  os: string;
  variant?: string;
  'os.version'?: string;
  config?: {
    User?: string;
    ExposedPorts?: Record<string, object>;
    Env?: string[];
    Entrypoint?: string[];
    Cmd?: string[];
    Volumes?: Record<string, object>;
    WorkingDir?: string;
    Labels?: Record<string, string>;
    StopSignal?: string;
    /** Docker's own. */
    Healthcheck?: { Test?: string[]; Interval?: number; Timeout?: number; StartPeriod?: number; StartInterval?: number; Retries?: number };
    Shell?: string[];
    OnBuild?: string[];
  };
  rootfs: { type: string; diff_ids: string[] };
  history?: { created?: string; created_by?: string; author?: string; comment?: string; empty_layer?: boolean }[];
}

/** A name of containerd's that stands for an image, also one that people do not see (see dangling.ts). */
export interface ImageName {
  /** In full: docker.io/library/busybox:latest. */
  name: string;
  target: Descriptor;
  /** RFC 3339; when the name was last given. */
  updatedAt?: string;
}

/** One image for one platform. */
export interface Image {
  /** `sha256:…`, the digest of its config: what Docker calls the image's id. */
  id: string;
  /** What the names point to: a manifest, or an index. */
  target: Descriptor;
  manifest: Descriptor;
  /**
   * In full, as containerd keeps them: docker.io/library/busybox:latest. Empty for one without a name.
   * Of an image that `get` found by a name, only that one; `list` has all of them.
   */
  names: string[];
  /** The same with what they point to, and with those that are not shown. */
  records: ImageName[];
  config: ImageConfig;
  /** The snapshot that containers start from; empty for an image without layers. */
  chainId: string;
}

/** A layer of an image, with those below it. */
export interface ImageLayer {
  /** Of its snapshot. */
  chainId: string;
  /** Bytes that it takes on the disk; packed, where it is not unpacked. */
  size: number;
}

export interface Images {
  /**
   * Fast for a name; an id costs a look at all images.
   * @param reference `busybox`, `busybox:1.36`, `name@sha256:…`, an id, or the first letters of one
   * @param platform one of an image that was pulled for several; this machine's, or else any, when not given
   * @throws 404 `No such image: X`; 400 for what is no reference
   */
  get(reference: string, platform?: Platform): Promise<Image>;
  /** The same with all its names. */
  withNames(image: Image): Promise<Image>;
  /** All of them; an image with several names once. */
  list(): Promise<Image[]>;
  /** Its layers, the lowest first. Kept in memory once they have been looked at. */
  layers(image: Image): Promise<ImageLayer[]>;
  /** Bytes of all layers, unpacked: what Docker shows as the size. */
  size(image: Image): Promise<number>;
}
