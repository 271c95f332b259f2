/** The forms in which cgroup files write numbers. */

/** 2^64-1: how runc's JSON writes `max`. */
export const NO_LIMIT = 2n ** 64n - 1n;

/** A file that holds one number, or `max`; 0 when it is missing. */
export function one(text: string): bigint {
  const word = text.trim();
  if (word === 'max') return NO_LIMIT;
  return /^-?\d+$/.test(word) ? BigInt(word) : 0n;
}

/** Lines of `name number`, in the order of their names, as Go writes a map. */
export function keyed(text: string): Record<string, bigint> {
  const pairs = [...text.matchAll(/^(\S+) (\d+)$/gm)].map((m) => [m[1] as string, BigInt(m[2] as string)] as const);
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Numbers on a line. */
export const several = (text: string): bigint[] => text.split(/\s+/).filter(Boolean).map(BigInt);

/** `0-2,5` → 0, 1, 2, 5. */
export function listed(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** The properties that are not 0: those that Go's `omitempty` leaves standing. */
export const filled = <T extends Record<string, bigint>>(values: T): Partial<T> =>
  Object.fromEntries(Object.entries(values).filter(([, v]) => v !== 0n)) as Partial<T>;
