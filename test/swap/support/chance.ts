/** Numbers that look random and can be had again: the seed is printed with each test. */

/** Mulberry32, by Tommy Ettinger: numbers from 0 up to, and without, 1. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** MINIRUN_SEED, or a new one. */
export const seedOf = (): number => Number(process.env.MINIRUN_SEED ?? Date.now() % 1_000_000);
