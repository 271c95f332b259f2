/** The Diff service: layers of images applied to snapshots, and made of them. */
import { randomUUID } from 'node:crypto';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Diff } from '../../proto/containerd/services/diff/v1/diff_pb.ts';
import { diff, type LayerCompression } from '../diff/diff.ts';
import { invalidArgument, notImplemented } from '../errors.ts';
import { applyLayer } from '../layers/apply.ts';
import { scopeOf } from '../scope.ts';
import { readAll } from './content-read.ts';
import type { Services } from './context.ts';

const PLAIN = 'application/vnd.oci.image.layer.v1.tar';
const COMPRESSION: Record<string, LayerCompression> = { '': 'gzip', [`${PLAIN}+gzip`]: 'gzip', [PLAIN]: 'plain' };
/** The digest of the layer's tar, for who wants to know without uncompressing. */
const UNCOMPRESSED = 'containerd.io/uncompressed';

export const diffService = ({ content, log }: Services): ServiceImpl<typeof Diff> => ({
  async apply({ diff: layer, mounts }, context) {
    if (!layer) throw invalidArgument('descriptor must be given');
    const { digest, size, ignored } = await applyLayer(mounts, readAll(content.open(scopeOf(context), layer.digest)));
    for (const what of ignored) log('warn', 'left out of a layer', { digest: layer.digest, what });
    return { applied: { mediaType: PLAIN, digest, size: BigInt(size) } };
  },
  async diff({ left, right, mediaType, ref, labels }, context) {
    const scope = scopeOf(context);
    const compression = COMPRESSION[mediaType];
    if (compression === undefined) throw notImplemented(`unsupported diff media type: ${mediaType}`);
    const ours = { ingest: (name: string) => content.write(scope, name) };
    const { digest, size, diffId, ...made } = await diff(ours, left, right, { compression, ref: ref || `minirun-diff-${randomUUID()}` });
    const known = { ...labels, [UNCOMPRESSED]: diffId };
    content.update(
      scope,
      digest,
      known,
      Object.keys(known).map((label) => `labels.${label}`),
    );
    return { diff: { mediaType: mediaType || made.mediaType, digest, size: BigInt(size) } };
  },
});
