/** Whose call it is: the namespace that a client works in, and the lease that keeps what it makes. */
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { checkIdentifier } from './identifier.ts';

export interface Scope {
  namespace: string;
  lease?: string;
}

const NAMESPACE = 'containerd-namespace';
const LEASE = 'containerd-lease';

/** From the headers of a call. @throws failed precondition without a namespace */
export function scopeOf({ requestHeader }: HandlerContext): Scope {
  const namespace = requestHeader.get(NAMESPACE);
  if (!namespace) throw new ConnectError('namespace is required: failed precondition', Code.FailedPrecondition);
  checkIdentifier(namespace, 'namespace validation');
  const lease = requestHeader.get(LEASE);
  return lease ? { namespace, lease } : { namespace };
}
