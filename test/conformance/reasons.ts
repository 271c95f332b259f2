/** Why minirun-runc fails what it fails: one line each. `npm run conformance` says so when one no longer holds. */

export interface Reason {
  suite: string;
  /** As the report names it. */
  test: string;
  why: string;
  /** It depends on the machine (its kernel, its rights, its network): elsewhere the test may pass. */
  machine?: boolean;
}

export const REASONS: Reason[] = [];
