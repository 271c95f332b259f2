/** Labels by which the garbage collector finds what an image needs. @see containerd's docs/garbage-collection.md */

import type { Descriptor } from '../registry/descriptor.ts';
import { childrenOf, type Index, type Manifest } from '../registry/manifest.ts';
import { isConfig, isLayer, isManifest } from '../registry/media-types.ts';

const PREFIX = 'containerd.io/gc.ref.content';

function keyOf({ mediaType }: Descriptor): string {
  if (isConfig(mediaType)) return `${PREFIX}.config`;
  if (isManifest(mediaType)) return `${PREFIX}.m.`;
  if (isLayer(mediaType)) return `${PREFIX}.l.`;
  return `${PREFIX}.`;
}

/** One label a child: `….config`, `….l.0`, `….l.1`, and in an index `….m.0`. Also for children that are not there (other platforms). */
export function childLabels(parent: Manifest | Index): Record<string, string> {
  const labels: Record<string, string> = {};
  const counts = new Map<string, number>();
  for (const child of childrenOf(parent)) {
    const key = keyOf(child);
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    labels[count > 0 || key.endsWith('.') ? `${key}${count}` : key] = child.digest;
  }
  return labels;
}

/** From where content came, so that a push to the same registry need not send it again. */
export const sourceLabel = (domain: string): string => `containerd.io/distribution.source.${domain}`;

/** The label's value with one more repository. Labels are short: it is left alone when it would get too long. */
export function withSource(known: string | undefined, repository: string, label: string): string {
  const list = new Set([...(known ? known.split(',') : []), repository]);
  const value = [...list].sort().join(',');
  return label.length + value.length > 4096 ? (known ?? '') : value;
}
