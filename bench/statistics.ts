/** What a list of times says: medians, as one slow run in a hundred says nothing. */
export interface Summary {
  runs: number;
  min: number;
  p10: number;
  median: number;
  p90: number;
}

/** The value below which the fraction of the sorted numbers lies, between neighbours in proportion. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const at = (sorted.length - 1) * fraction;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** @throws Error for an empty list */
export function summarise(values: readonly number[]): Summary {
  if (!values.length) throw new Error('no values to summarise');
  const sorted = [...values].sort((a, b) => a - b);
  return {
    runs: sorted.length,
    min: quantile(sorted, 0),
    p10: quantile(sorted, 0.1),
    median: quantile(sorted, 0.5),
    p90: quantile(sorted, 0.9),
  };
}
