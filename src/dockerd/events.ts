/** What happened, as `docker events` shows it: kept for a while, and told to whoever listens. */

export interface Message {
  /** container, image, volume, network, daemon, builder */
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: 'local';
  /** seconds */
  time: number;
  timeNano: number;
  // What clients of before version 1.22 of the API read; Docker still sends them for containers and images.
  status?: string;
  id?: string;
  from?: string;
}

export interface Events {
  /** Tells it to all listeners, in the order of the calls. */
  publish(type: string, action: string, id: string, attributes?: Record<string, string>): void;
  /** What was told before and is still kept, the oldest first. */
  past(): readonly Message[];
  /** @returns ends it */
  subscribe(listener: (message: Message) => void): () => void;
  /** How many listen now. */
  listeners(): number;
}

/** As many as Docker keeps. */
const KEPT = 256;

export function openEvents(now: () => bigint = wallClock): Events {
  const kept: Message[] = [];
  const listeners = new Set<(message: Message) => void>();
  return {
    publish(type, action, id, attributes = {}) {
      const nanoseconds = now();
      const message: Message = {
        ...(type === 'container' || type === 'image' ? { status: action, id } : {}),
        ...(type === 'container' && attributes.image !== undefined ? { from: attributes.image } : {}),
        Type: type,
        Action: action,
        Actor: { ID: id, Attributes: attributes },
        scope: 'local',
        time: Number(nanoseconds / 1_000_000_000n),
        timeNano: Number(nanoseconds),
      };
      kept.push(message);
      if (kept.length > KEPT) kept.shift();
      for (const listener of [...listeners]) listener(message);
    },
    past: () => kept,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    listeners: () => listeners.size,
  };
}

let last = 0n;

/** Nanoseconds since 1970; each call later than the one before. */
function wallClock(): bigint {
  const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  last = now > last ? now : last + 1n;
  return last;
}
