/** Whether something that is collected now and then grows: a heap goes up and down, what stays is where it comes down to. */

/**
 * By how much the lowest of the last third is above the lowest of the middle third, for each step.
 * @param values in equal distances
 * @param steps that all of them span
 */
export function floorGrowth(values: readonly number[], steps: number): number {
  const third = Math.floor(values.length / 3);
  const lowest = (from: number, to: number) => Math.min(...values.slice(from, to));
  return (lowest(values.length - third, values.length) - lowest(values.length - 2 * third, values.length - third)) / (steps / 3);
}
