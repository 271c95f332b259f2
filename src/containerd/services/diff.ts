/** The Diff service: layers of images applied to snapshots, and made of them. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { Diff } from '../../proto/containerd/services/diff/v1/diff_pb.ts';
import { invalidArgument, notImplemented } from '../errors.ts';
import { applyLayer } from '../layers/apply.ts';
import { scopeOf } from '../scope.ts';
import { readAll } from './content-read.ts';
import type { Services } from './context.ts';

/** A layer's tar when it is not compressed. */
const LAYER = 'application/vnd.oci.image.layer.v1.tar';

export const diffService = ({ content, log }: Services): ServiceImpl<typeof Diff> => ({
  async apply({ diff, mounts }, context) {
    if (!diff) throw invalidArgument('descriptor must be given');
    const { digest, size, ignored } = await applyLayer(mounts, readAll(content.open(scopeOf(context), diff.digest)));
    for (const what of ignored) log('warn', 'left out of a layer', { digest: diff.digest, what });
    return { applied: { mediaType: LAYER, digest, size: BigInt(size) } };
  },
  async diff() {
    throw notImplemented('diff');
  },
});
