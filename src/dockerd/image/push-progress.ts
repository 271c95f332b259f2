/** How a push goes, in the lines that `docker push` shows. */
import type { Progress } from '../../containerd/transfer/progress.ts';
import { type Message, progressOf } from '../http/messages.ts';
import { shortId } from './removal.ts';

/** Only layers are told of: configs and manifests are too small to be waited for. */
export function pushLine({ status, ref, digest, offset = 0, total = 0 }: Progress): Message | undefined {
  if (!ref.startsWith('layer-') || digest === undefined) return undefined;
  const id = shortId(digest);
  switch (status) {
    case 'waiting':
      return { status: 'Preparing', progressDetail: {}, id };
    case 'uploading':
      return { status: 'Pushing', ...progressOf(offset, total), id };
    case 'exists':
      return { status: 'Layer already exists', progressDetail: {}, id };
    case 'mounted':
      return { status: 'Mounted from another repository', progressDetail: {}, id };
    case 'done':
      return { status: 'Pushed', progressDetail: {}, id };
    default:
      return undefined;
  }
}
