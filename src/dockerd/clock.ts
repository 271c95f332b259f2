/** Time, so that tests can have one of their own. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** @returns ends it, when it has not come yet */
  after(milliseconds: number, act: () => void): () => void;
}

/** setTimeout's longest. */
const LONGEST = 2 ** 31 - 1;

export const wallClock: Clock = {
  now: Date.now,
  after(milliseconds, act) {
    const timer = setTimeout(act, Math.min(milliseconds, LONGEST));
    // What may come later keeps no daemon from ending.
    timer.unref();
    return () => clearTimeout(timer);
  },
};
