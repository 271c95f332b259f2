/** How a pull goes, in the lines that `docker pull` shows. */
import type { Progress } from '../../containerd/transfer/progress.ts';
import { type Message, progressOf } from '../http/messages.ts';
import { shortId } from './removal.ts';

/** Layers that are shown: configs and manifests are too small to be waited for. */
const isLayer = ({ ref }: Progress): boolean => ref.startsWith('layer-');

export interface PullProgress {
  /** @param isHere whether the layer was here before the pull */
  lines(progress: Progress, isHere: boolean): Message[];
  /** What is left to be said when all went well: of layers that were unpacked already. */
  rest(): Message[];
}

export function openPullProgress(): PullProgress {
  /** Layers that have not come to their end. */
  const open = new Set<string>();
  const line = (id: string, status: string): Message => ({ status, progressDetail: {}, id });
  return {
    lines(progress, isHere) {
      if (!isLayer(progress) || progress.digest === undefined) return [];
      const { status, offset = 0, total = 0 } = progress;
      const id = shortId(progress.digest);
      switch (status) {
        case 'waiting':
          if (isHere) return [line(id, 'Already exists')];
          open.add(id);
          return [line(id, 'Pulling fs layer')];
        case 'downloading':
          return open.has(id) && offset > 0 ? [{ status: 'Downloading', ...progressOf(offset, total), id }] : [];
        case 'done':
          return open.has(id) ? [line(id, 'Verifying Checksum'), line(id, 'Download complete')] : [];
        case 'unpacking':
          return open.has(id) ? [{ status: 'Extracting', ...progressOf(offset || total, total), id }] : [];
        case 'unpacked':
          return open.delete(id) ? [line(id, 'Pull complete')] : [];
        default:
          return [];
      }
    },
    rest() {
      const left = [...open].map((id) => line(id, 'Pull complete'));
      open.clear();
      return left;
    },
  };
}
