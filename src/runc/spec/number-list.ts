/** Lists of processors and memory nodes, as the kernel writes them: `0-3,7` (cpuset(7), "List format"). */

/** More than any kernel is built for (CONFIG_NR_CPUS is at most 8192 so far). */
export const MOST_NUMBERS = 65536;

/**
 * The numbers of a list, in rising order; an empty text is an empty list.
 * @throws Error when a range runs backwards or a number is beyond {@link MOST_NUMBERS}
 */
export function numbersOf(text: string): number[] {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    if (part === '') continue;
    const [first, last = first] = part.split('-').map(Number) as [number, number | undefined];
    if (last < first) throw new Error(`the range ${part} runs backwards`);
    if (last >= MOST_NUMBERS) throw new Error(`${last} is too large: numbers are below ${MOST_NUMBERS}`);
    for (let n = first; n <= last; n++) numbers.add(n);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** Numbers as a bit mask in whole 64-bit words, as sched_setaffinity(2) and set_mempolicy(2) take it. */
export function bitMask(numbers: readonly number[]): Uint8Array {
  const highest = numbers.reduce((most, n) => Math.max(most, n), 0);
  const bytes = new Uint8Array(8 * (Math.floor(highest / 64) + 1));
  for (const n of numbers) bytes[n >> 3] = (bytes[n >> 3] ?? 0) | (1 << (n & 7));
  return bytes;
}
