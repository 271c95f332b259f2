/** Failures as Docker's API tells them: a status, and `{"message": …}`. */
import { Code, ConnectError } from '@connectrpc/connect';

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
  }
}

export const badRequest = (message: string): ApiError => new ApiError(400, message);
export const unauthorized = (message: string): ApiError => new ApiError(401, message);
export const forbidden = (message: string): ApiError => new ApiError(403, message);
export const notFound = (message: string): ApiError => new ApiError(404, message);
export const conflict = (message: string): ApiError => new ApiError(409, message);
export const serverError = (message: string, cause?: unknown): ApiError => new ApiError(500, message, { cause });
export const notImplemented = (message: string): ApiError => new ApiError(501, message);
export const unavailable = (message: string): ApiError => new ApiError(503, message);

/** What containerd's codes come to; as Docker maps them. */
const STATUS: Partial<Record<Code, number>> = {
  [Code.InvalidArgument]: 400,
  [Code.OutOfRange]: 400,
  [Code.Unauthenticated]: 401,
  [Code.PermissionDenied]: 403,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.FailedPrecondition]: 409,
  [Code.Unimplemented]: 501,
  [Code.Unavailable]: 503,
};

/** containerd ends its errors with the name of their kind; of a wrong argument the status says it. */
export const wordsOf = ({ rawMessage }: ConnectError): string => rawMessage.replace(/: invalid argument$/, '');

/** Node's and the kernel's words for it. */
const FULL = /\b(ENOSPC|EDQUOT)\b|no space left on device/;

const advised = (message: string): string =>
  FULL.test(message)
    ? `${message}: the disk with the daemon's data is full; docker system df shows what takes room, docker system prune makes some`
    : message;

/** Any failure as one that can be sent. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ConnectError) return new ApiError(STATUS[error.code] ?? 500, advised(wordsOf(error)), { cause: error });
  return new ApiError(500, advised(error instanceof Error ? error.message : String(error)), { cause: error });
}

export const isStatus = (error: unknown, status: number): boolean => error instanceof ApiError && error.status === status;
