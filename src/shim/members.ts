/** What a shim process holds, and so whether it may end: containers, and those that are on their way to it. */

export interface Members {
  /** `start` has promised it to containerd. False when the process ends: it must not be promised any more. */
  join(id: string, bundle: string): boolean;
  created(id: string): void;
  /** Not every containerd calls `delete` after a task that it has deleted. @returns a bundle of those that are left */
  deleted(id: string): string | undefined;
  /** containerd has done with it. @returns as deleted */
  leave(id: string): string | undefined;
  has(id: string): boolean;
  readonly empty: boolean;
  /** From now on nothing can join. False when it is not empty. */
  close(): boolean;
}

/** How long a promise holds for a container that never comes, because containerd was killed. */
const PROMISE_MS = 120_000;

export function membersOf(now: () => number = performance.now.bind(performance)): Members {
  const promised = new Map<string, { bundle: string; since: number }>();
  const held = new Set<string>();
  const bundles = new Map<string, string>();
  let closed = false;
  const without = (id: string) => {
    held.delete(id);
    bundles.delete(id);
    return [...bundles.values()].at(-1);
  };
  const isEmpty = () => {
    for (const [id, { since }] of promised) if (now() - since > PROMISE_MS) promised.delete(id);
    return held.size === 0 && promised.size === 0;
  };
  return {
    join(id, bundle) {
      if (closed) return false;
      promised.set(id, { bundle, since: now() });
      bundles.set(id, bundle);
      return true;
    },
    created(id) {
      held.add(id);
      promised.delete(id);
    },
    deleted: without,
    leave(id) {
      promised.delete(id);
      return without(id);
    },
    has: (id) => held.has(id),
    get empty() {
      return isEmpty();
    },
    close() {
      closed ||= isEmpty();
      return closed;
    },
  };
}
