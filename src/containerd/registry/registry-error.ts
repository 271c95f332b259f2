/**
 * What a registry's refusal means, in containerd's words and with its codes.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { type Incoming, readBody, shownUrl } from './http-request.ts';

/** Bytes of an error's text that anybody will read. */
const MAX_ERROR = 64 << 10;

export interface RegistryFault {
  code: string;
  message: string;
}

/** An answer that was not the one hoped for. (No class: ConnectError's own instanceof looks at the name only.) */
export interface RegistryError extends ConnectError {
  readonly status: number;
  readonly faults: readonly RegistryFault[];
}

export const isRegistryError = (error: unknown): error is RegistryError =>
  error instanceof ConnectError && 'status' in error && 'faults' in error;

const CODES: Record<number, Code> = {
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  416: Code.OutOfRange,
  429: Code.ResourceExhausted,
};

/** The specification's list of errors, if the body is one. */
function faultsOf(text: string): RegistryFault[] {
  try {
    const { errors, details } = JSON.parse(text) as { errors?: unknown; details?: unknown };
    if (!Array.isArray(errors)) return typeof details === 'string' ? [{ code: 'UNKNOWN', message: details }] : [];
    return errors.map(({ code, message }) => ({ code: String(code ?? 'UNKNOWN'), message: String(message ?? '') }));
  } catch {
    return [];
  }
}

/** Control characters of a server's text would act on the reader's terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const printable = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 1000);

const STATUS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  416: 'Requested Range Not Satisfiable',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * The error that such an answer is; reads its body.
 * @param method of the request
 */
export async function errorOf(method: string, incoming: Incoming): Promise<RegistryError> {
  const text = (await readBody(incoming, MAX_ERROR).catch(() => Buffer.alloc(0))).toString();
  const faults = faultsOf(text);
  const status = `${incoming.status} ${STATUS[incoming.status] ?? ''}`.trim();
  const server = faults.map(({ code, message }) => printable(`${code.toLowerCase().replaceAll('_', ' ')}: ${message}`)).join('; ');
  const code = CODES[incoming.status] ?? (incoming.status >= 500 ? Code.Unavailable : Code.Unknown);
  const said = server === '' ? '' : `: ${server}`;
  return Object.assign(new ConnectError(`unexpected status from ${method} request to ${shownUrl(incoming.url)}: ${status}${said}`, code), {
    status: incoming.status,
    faults,
  });
}

export const isStatus = (error: unknown, ...statuses: number[]): boolean => isRegistryError(error) && statuses.includes(error.status);
