/** The images that there are, as dockerd names them: by name, by id, by a part of an id. */
import type { Descriptor } from '../../containerd/registry/descriptor.ts';

/** What an image's config says of how it runs, and of what it is made; OCI image-spec, config.md. */
export interface ImageConfig {
  created?: string;
  author?: string;
  architecture: string;
  os: string;
  variant?: string;
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

/** One image for one platform. */
export interface Image {
  /** `sha256:…`, the digest of its config: what Docker calls the image's id. */
  id: string;
  /** What the names point to: a manifest, or an index. */
  target: Descriptor;
  manifest: Descriptor;
  /** In full, as containerd keeps them: docker.io/library/busybox:latest. Empty for one without a name. */
  names: string[];
  config: ImageConfig;
  /** The snapshot that containers start from; empty for an image without layers. */
  chainId: string;
}

export interface Images {
  /**
   * @param reference `busybox`, `busybox:1.36`, `name@sha256:…`, an id, or the first letters of one
   * @throws 404 `No such image: X`; 400 for what is no reference
   */
  get(reference: string): Promise<Image>;
  /** All of them; an image with several names once. */
  list(): Promise<Image[]>;
}
