/** Trying again, after a while, what failed for a reason that passes. */
import { setTimeout as pause } from 'node:timers/promises';
import { connectionCode, isConnectionError } from './http-request.ts';

export interface RetryPolicy {
  /** how often a thing is tried in all */
  attempts: number;
  /** milliseconds before the second attempt; twice as many before each further one */
  delay: number;
  /** milliseconds that are waited at most, whatever the server asks for */
  longest: number;
}

export const RETRIES: RetryPolicy = { attempts: 5, delay: 500, longest: 60_000 };

/** Answers after which the same request may succeed: the server is busy, or the one behind it is away. */
export const isPassing = (status: number): boolean => [408, 429, 500, 502, 503, 504].includes(status);

/**
 * What Retry-After asks for: seconds or a date.
 * @returns milliseconds
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits before attempt `next` (2 is the first repeat). A part of it is chance, so that many clients do not come back at once. */
export async function backOff(policy: RetryPolicy, next: number, asked?: number, signal?: AbortSignal): Promise<void> {
  const own = policy.delay * 2 ** (next - 2) * (0.75 + Math.random() / 2);
  await pause(Math.min(policy.longest, Math.max(own, asked ?? 0)), undefined, signal && { signal });
}

/** Connections that nobody answers are not tried again: the person has most likely mistyped the address. */
const HOPELESS = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EPROTO',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
]);

const mayPass = (error: unknown): boolean => {
  if (isConnectionError(error)) {
    const code = connectionCode(error) ?? '';
    return !HOPELESS.has(code) && !/CERT|SSL|TLS/.test(code);
  }
  const { status } = error as { status?: number };
  return status !== undefined && isPassing(status);
};

/** Does it until it works, is hopeless, or was tried often enough. */
export async function persist<T>(act: () => Promise<T>, policy: RetryPolicy, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (attempt >= policy.attempts || signal?.aborted || !mayPass(error)) throw error;
      await backOff(policy, attempt + 1, (error as { asked?: number }).asked, signal);
    }
  }
}
