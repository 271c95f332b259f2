/** `docker history`: how an image came to be, the last step first. */
import type { Image, ImageLayer } from './images.ts';
import { shown } from './reference.ts';

export interface HistoryEntry {
  /** Only of the image itself; steps have no images of their own. */
  Id: string;
  /** seconds since 1970 */
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** @param layers of the image, the lowest first */
export function historyOf({ id, names, config }: Pick<Image, 'id' | 'names' | 'config'>, layers: readonly ImageLayer[]): HistoryEntry[] {
  const steps = config.history ?? [];
  let layer = 0;
  const entries = steps.map(
    (step): HistoryEntry => ({
      Id: '<missing>',
      Created: Math.floor((Date.parse(step.created ?? '') || 0) / 1000),
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: step.empty_layer ? 0 : (layers[layer++]?.size ?? 0),
      Comment: step.comment ?? '',
    }),
  );
  const [last] = entries.reverse();
  if (last) Object.assign(last, { Id: id, Tags: names.map(shown) });
  return entries;
}
