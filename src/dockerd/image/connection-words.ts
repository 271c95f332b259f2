/** Node's words for connections that fail, in Go's: scripts look for `connection refused` and `no such host`. */
import { ApiError, asApiError } from '../http/api-error.ts';

export const inDockersWords = (text: string): string =>
  text
    .replace(
      /(?<=^|: )failed to do request: ([A-Z])([A-Z]+) (\S+): /,
      (_, first: string, rest: string, url: string) => `${first}${rest.toLowerCase()} "${url}": `,
    )
    .replace(/connect ECONNREFUSED (\S+)/, 'dial tcp $1: connect: connection refused')
    .replace(/connect (?:ENETUNREACH|EHOSTUNREACH) (\S+).*/, 'dial tcp $1: connect: network is unreachable')
    .replace(/getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)/, 'dial tcp: lookup $1: no such host');

/** A failure of a registry's. That it cannot be reached is no fault of this daemon's, but Docker says 500. */
export function registryError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { status, message } = asApiError(error);
  return new ApiError(status === 503 ? 500 : status, inDockersWords(message), { cause: error });
}
