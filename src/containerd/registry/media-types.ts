/**
 * What a blob is, by its media type: OCI's names and the older ones of Docker mean the same things.
 * @see https://github.com/opencontainers/image-spec/blob/main/media-types.md
 * @see https://distribution.github.io/distribution/spec/manifest-v2-2/
 */

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = `${OCI_LAYER}+gzip`;
export const OCI_LAYER_ZSTD = `${OCI_LAYER}+zstd`;
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = `${DOCKER_LAYER}.gzip`;
export const DOCKER_LAYER_ZSTD = `${DOCKER_LAYER}.zstd`;

/** Signed manifests of Docker before 1.10. Nobody makes them any more, and containerd 2 refuses them too. */
export const isSchema1 = (type: string): boolean => /^application\/vnd\.docker\.distribution\.manifest\.v1\+(json|prettyjws)$/.test(type);

/** Asked for in this order: a registry answers with the first that it has. */
export const MANIFEST_TYPES: readonly string[] = [DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX];

export const isIndex = (type: string): boolean => type === OCI_INDEX || type === DOCKER_LIST;
export const isManifest = (type: string): boolean => type === OCI_MANIFEST || type === DOCKER_MANIFEST;
export const isConfig = (type: string): boolean => type === OCI_CONFIG || type === DOCKER_CONFIG;

/** Layers whose bytes the registry need not have: `urls` say where to get them. Deprecated, and never fetched from those. */
export const isForeignLayer = (type: string): boolean =>
  /^application\/vnd\.oci\.image\.layer\.nondistributable\.v1\.tar(\+(gzip|zstd))?$/.test(type) ||
  /^application\/vnd\.docker\.image\.rootfs\.foreign\.diff\.tar(\.(gzip|zstd))?$/.test(type);

export const isLayer = (type: string): boolean =>
  /^application\/vnd\.oci\.image\.layer\.v1\.tar(\+(gzip|zstd))?$/.test(type) ||
  /^application\/vnd\.docker\.image\.rootfs\.diff\.tar(\.(gzip|zstd))?$/.test(type) ||
  isForeignLayer(type);
