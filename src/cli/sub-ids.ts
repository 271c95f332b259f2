/** Ranges of ids that a user may give to its containers: subuid(5), subgid(5). */
import type { IdRange } from './facts.ts';

/**
 * The first range of a user, by name or number.
 * @param text of /etc/subuid or /etc/subgid: `name:first:count` lines
 */
export function subIdRange(text: string, name: string | undefined, uid: number): IdRange | undefined {
  for (const line of text.split('\n')) {
    const [owner, start, count] = line.trim().split(':');
    if (!owner || (owner !== name && owner !== String(uid))) continue;
    if (/^\d+$/.test(start ?? '') && /^\d+$/.test(count ?? '') && Number(count) > 0) return { start: Number(start), size: Number(count) };
  }
  return undefined;
}
