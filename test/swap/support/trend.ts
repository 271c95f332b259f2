/** Whether a number grows. */

/** Least squares: by how much it grows with each sample's `at`. */
export function slope(samples: readonly { at: number; value: number }[]): number {
  const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const [x, y] = [mean(samples.map(({ at }) => at)), mean(samples.map(({ value }) => value))];
  const spread = samples.reduce((sum, { at }) => sum + (at - x) ** 2, 0);
  return samples.reduce((sum, { at, value }) => sum + (at - x) * (value - y), 0) / spread;
}
