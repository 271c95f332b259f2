/** Why a connection failed, and what to do about it. */
import { connectionCode, isConnectionError } from './http-request.ts';

/** What a server says on a port where it speaks the other of HTTP and HTTPS. */
const NOT_TLS = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ECONNRESET', 'ERR_SSL_HTTP_REQUEST']);

/** Does the server speak TLS where we do not, or the reverse? */
export const speaksOther = (error: unknown): boolean => isConnectionError(error) && NOT_TLS.has(connectionCode(error) ?? '');

const IN_PLAIN = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

/** What usually causes it, and what can be done. */
export function withHint(error: unknown, host: string): unknown {
  const code = connectionCode(error) ?? '';
  const hint = IN_PLAIN.has(code)
    ? `server gave HTTP response to HTTPS client; if ${host} is yours and the network is trusted, list it in insecure-registries`
    : /CERT|SIGNATURE|ALTNAME|ISSUER/.test(code)
      ? `put the certificate of its authority into certs.d/${host}/ca.crt, or list ${host} in insecure-registries`
      : undefined;
  if (hint === undefined || !(error instanceof Error)) return error;
  error.message += `: ${hint}`;
  return error;
}
